internal import Glibc
internal import GrantctlCommands

exit(
  Grantctl.run(arguments: Array(CommandLine.arguments.dropFirst()), streams: .standard))
