internal import ByteText
internal import Control
internal import Grants

/// `grantctl`: asks the daemon over its control socket and prints what it says.
package enum Grantctl {
  static let commands: [Command] =
    [
      statusCommand, listCommand, showCommand, explainCommand, approveCommand, extendCommand,
      revokeCommand, restoreCommand, adviceAddCommand, adviceListCommand, adviceShowCommand,
      agentsCommand, agentsCheckCommand, logCommand, reportCommand, verifyCommand, recognizeCommand,
      doctorCommand, connectorListCommand, connectorCheckCommand,
    ] + hookCommands + [hookInstallCommand]

  static let commonOptions: [Option] = [
    Option("socket", value: "PATH", "the daemon's socket [/run/grantwatch/control.sock]"),
    Option("output", short: "o", value: "FORMAT", "table, wide, json, jsonl or csv [table]"),
    Option("help", short: "h", "show this help"),
    Option("version", "show the version"),
  ]

  /// Runs one command line, without the program's name; returns the exit status.
  package static func run(arguments: [String], streams: Streams) -> Int32 {
    var name = ""
    do throws(Failure) {
      return try run(arguments[...], streams, &name).rawValue
    } catch {
      let context = name.isEmpty ? "" : " \(name):"
      streams.words("grantctl:\(context) \(printable(error.message))")
      // To an agent an exit status of 2 is a hook's word to stop.
      if name.hasPrefix("hook"), name != hookInstallCommand.name { return ExitStatus.done.rawValue }
      return error.status.rawValue
    }
  }

  private static func run(
    _ words: ArraySlice<String>, _ streams: Streams, _ name: inout String
  ) throws(Failure) -> ExitStatus {
    var rest: ArraySlice<String> = []
    var arguments = try Arguments(words, options: commonOptions, untilOperand: true, rest: &rest)
    guard let verb = arguments.operands.popLast() else {
      if arguments.has("help") { return try say(generalHelp, streams) }
      if arguments.has("version") { return try say("grantctl \(Version.text)", streams) }
      throw Failure(.usage, "a command is missing; see 'grantctl --help'")
    }
    let family = commands.filter { $0.name == verb || $0.name.hasPrefix(verb + " ") }
    guard let first = family.first, !verb.isEmpty else {
      throw unknownWord(verb, "command", verbs)
    }
    name = verb
    var after: ArraySlice<String> = []
    let options = family.flatMap(\.options)
    try arguments.add(Arguments(rest, options: options + commonOptions, rest: &after))
    let command: Command
    let isAlone = arguments.operands.first.map { word in
      !family.contains { $0.name == "\(verb) \(word)" }
    }
    if first.name == verb, isAlone ?? true {
      command = first
    } else {
      guard !arguments.operands.isEmpty else {
        if arguments.has("help") { return try say(familyHelp(verb, family), streams) }
        throw Failure(.usage, "a command is missing; see 'grantctl \(verb) --help'")
      }
      let second = arguments.operands.removeFirst()
      guard let chosen = family.first(where: { $0.name == "\(verb) \(second)" }) else {
        throw unknownWord(
          second, "command", family.map { String($0.name.dropFirst(verb.count + 1)) })
      }
      command = chosen
      name = chosen.name
      let known = Set((chosen.options + commonOptions).map(\.name))
      for given in arguments.values.keys.sorted() where !known.contains(given) {
        throw Arguments.unknown("--\(given)", chosen.options + commonOptions)
      }
    }
    if arguments.has("help") { return try say(help(of: command), streams) }
    if arguments.has("version") { return try say("grantctl \(Version.text)", streams) }
    var invocation = try Invocation(command, arguments, streams)
    do throws(Failure) {
      try command.run(&invocation)
      try invocation.output.flush()
    } catch {
      try? invocation.output.flush()
      throw error
    }
    return invocation.status
  }

  /// The first words of all commands.
  static var verbs: [String] {
    var verbs: [String] = []
    for command in commands {
      let verb = String(command.name.prefix { $0 != " " })
      if verbs.last != verb { verbs.append(verb) }
    }
    return verbs
  }

  private static func say(_ text: String, _ streams: Streams) throws(Failure) -> ExitStatus {
    let output = Output(streams)
    try output.line(text)
    try output.flush()
    return .done
  }
}
