import Glibc

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.count == 3, arguments[0] == "--change-mode" {
  exit(changeMode(arguments[1], arguments[2]))
}
exit(runBench(arguments))
