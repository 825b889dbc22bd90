import ByteText

/// A program that runs the command behind its own options.
struct Wrapper {
  var options: CommandOptions
  /// Operands of its own before the command.
  var operands = 0
  /// Options with which it runs no command.
  var runsNothing: Set<String> = []
  var directory: String?
  /// The option whose value is run by a shell.
  var script: String?
  /// The option that names whom the command runs as.
  var user: String?
}

let wrappers: [Program: Wrapper] = {
  let sudo = Wrapper(
    options: CommandOptions(
      "CDghpRrTtUu",
      long: [
        "user": "u", "group": "g", "host": "h", "prompt": "p", "chdir": "D", "chroot": "R",
        "role": "r", "type": "t", "command-timeout": "T", "other-user": "U", "close-from": "C",
        "list": "l", "edit": "e", "validate": "v", "remove-timestamp": "K",
      ]), runsNothing: ["l", "e", "v", "V", "K"], directory: "D",
    user: "u")
  let su = Wrapper(
    options: CommandOptions(
      "cgGsTwu",
      long: [
        "command": "c", "session-command": "c", "group": "g", "supp-group": "G", "shell": "s",
        "whitelist-environment": "w", "user": "u",
      ]), script: "c")
  let plain = Wrapper(options: CommandOptions(""))
  return [
    .sudo: sudo, .su: su, .runuser: su,
    .doas: Wrapper(options: CommandOptions("Cu"), runsNothing: ["L", "C"]),
    .run0: Wrapper(
      options: CommandOptions(
        "ugDp", long: ["user": "u", "group": "g", "chdir": "D", "property": "p"],
        valuedLong: ["unit", "slice", "description", "setenv", "nice", "background"]),
      directory: "D"),
    .pkexec: Wrapper(options: CommandOptions("", valuedLong: ["user"])),
    .env: Wrapper(
      options: CommandOptions(
        "uCS", long: ["unset": "u", "chdir": "C", "split-string": "S"]), directory: "C",
      script: "S"),
    .command: Wrapper(options: CommandOptions(""), runsNothing: ["v", "V"]),
    .exec: Wrapper(options: CommandOptions("a")),
    .time: Wrapper(options: CommandOptions("fo", long: ["format": "f", "output": "o"])),
    .nice: Wrapper(options: CommandOptions("n", long: ["adjustment": "n"])),
    .ionice: Wrapper(
      options: CommandOptions("cnpPu", long: ["class": "c", "classdata": "n"]),
      runsNothing: ["p", "P", "u"]),
    .stdbuf: Wrapper(
      options: CommandOptions("ioe", long: ["input": "i", "output": "o", "error": "e"])),
    .timeout: Wrapper(
      options: CommandOptions("ks", long: ["kill-after": "k", "signal": "s"]), operands: 1),
    .builtin: plain, .nohup: plain, .setsid: plain, .busybox: plain, .toybox: plain,
    .unbuffer: plain, .eatmydata: plain, .fakeroot: plain,
    .chroot: Wrapper(
      options: CommandOptions("", valuedLong: ["userspec", "groups"]), operands: 1),
    .flock: Wrapper(
      options: CommandOptions("wEc", long: ["timeout": "w", "command": "c"]), operands: 1,
      script: "c"),
    .watch: Wrapper(options: CommandOptions("n", long: ["interval": "n"])),
    .systemdRun: Wrapper(
      options: CommandOptions(
        "puHME", long: ["property": "p", "unit": "u", "host": "H", "machine": "M", "setenv": "E"],
        valuedLong: [
          "uid", "gid", "nice", "slice", "description", "working-directory", "service-type",
          "on-active", "on-boot", "on-startup", "on-unit-active", "on-unit-inactive",
          "on-calendar", "timer-property", "path-property", "socket-property", "background",
        ]), directory: "working-directory", user: "uid"),
  ]
}()

let shellOptions = CommandOptions("oO", valuedLong: ["rcfile", "init-file"])
let xargsOptions = CommandOptions(
  "aEdIiLlnPs",
  long: [
    "arg-file": "a", "delimiter": "d", "replace": "I", "max-lines": "L", "max-args": "n",
    "max-procs": "P", "max-chars": "s", "null": "0", "no-run-if-empty": "r",
  ])
let sshOptions = CommandOptions("BbcDEeFIiJLlmOopQRSWw")
