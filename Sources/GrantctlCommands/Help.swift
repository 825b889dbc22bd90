/// `grantctl --help`.
var generalHelp: String {
  """
  Usage: grantctl [OPTION...] COMMAND ...

  See, approve and take back grants of access on this host.

  Commands:
  \(lines(Grantctl.commands.map { ($0.name, $0.purpose) }))

  Options:
  \(optionLines(Grantctl.commonOptions))

  Exit status: 0 done, 1 refused or failed, 2 usage, 3 daemon not reachable,
  4 an id that matches nothing or several.

  'grantctl COMMAND --help' tells more. See the grantctl(1) man page for details.
  """
}

/// `grantctl advice --help`.
func familyHelp(_ verb: String, _ family: [Command]) -> String {
  """
  Usage: grantctl [OPTION...] \(verb) COMMAND ...

  Commands:
  \(lines(family.map { ($0.name, $0.purpose) }))

  See the grantctl(1) man page for details.
  """
}

/// `grantctl COMMAND --help`.
func help(of command: Command) -> String {
  let operands = command.operands.isEmpty ? "" : " " + command.operands
  let details = command.details.isEmpty ? "" : "\n\(command.details)\n"
  return """
    Usage: grantctl \(command.name) [OPTION...]\(operands)

    \(command.purpose).
    \(details)
    Options:
    \(optionLines(command.options + Grantctl.commonOptions))

    See the grantctl(1) man page for details.
    """
}

private func optionLines(_ options: [Option]) -> String {
  lines(options.map { (($0.short == nil ? "    " : "") + $0.spelling, $0.help) })
}

private func lines(_ pairs: [(String, String)]) -> String {
  let width = pairs.reduce(0) { max($0, $1.0.utf8.count) }
  return pairs.map { "  \(padded($0.0, to: width))  \($0.1)" }.joined(separator: "\n")
}
