internal import ByteText
internal import Grants

/// What was told a short while ago, to know again what is told twice. Bounded.
struct EchoMemory {
  private static let mostShells = 1024
  /// How far apart lines of one process and of several may lie.
  private static let processSpan = TimeSpan(seconds: 10)
  private static let hostSpan = TimeSpan(seconds: 5)

  private var events = RecentEvents()
  /// The last told shell of an account: whether it lets in.
  private var shells: [String: Bool] = [:]
  private var commands: [(boot: [UInt8], pid: Int32?, command: String?)] = []
  private var commandAt = 0

  /// Completes a recognition for telling; false for one that is not to be told.
  mutating func admits(
    _ told: inout Recognition, _ fields: JournalFields, at time: Timestamp
  ) -> Bool {
    guard told.type != .spoof else { return true }
    guard isNewCommand(told, fields) else { return false }
    if let shell = told.shell, let account = told.object { completeShell(&told, shell, account) }
    let isFirst = told.echo.map { isNew($0, fields, at: time) } ?? true
    if told.type == .use, told.right == "login", let account = told.object {
      // The session that logind makes for it.
      let user = Substring(account.utf8.dropFirst("account:".utf8.count))
      _ = isNew(Echo(.host, "session " + user), fields, at: time)
    }
    return isFirst && !told.isSilent
  }

  private mutating func isNew(_ echo: Echo, _ fields: JournalFields, at time: Timestamp) -> Bool {
    let isProcess = echo.scope == .process
    let event = RecentEvents.Event(
      boot: fields.boot, pid: isProcess ? fields.pid ?? 0 : nil, name: echo.event)
    return events.isNew(event, at: time, within: isProcess ? Self.processSpan : Self.hostSpan)
  }

  /// A line that names the new shell only says as much as is known of the old one.
  private mutating func completeShell(_ told: inout Recognition, _ shell: Bool, _ account: String) {
    let former = shells[account]
    if shells.count >= Self.mostShells { shells = [:] }
    shells[account] = shell
    guard told.type == .set, let former else { return }
    if former { told.isSilent = true } else { told.type = .grant }
  }

  /// False for sudo's second line on a command whose first one was seen. One that was not is news:
  /// arguments can imitate its end.
  private mutating func isNewCommand(
    _ recognition: Recognition, _ fields: JournalFields
  ) -> Bool {
    guard recognition.kind == .sudoRule, recognition.type == .use else { return true }
    if recognition.isEndReport {
      return !commands.contains {
        $0.boot == fields.boot && $0.pid == fields.pid && $0.command == recognition.command
      }
    }
    guard recognition.command != nil else { return true }
    if commands.count < 256 {
      commands.append((fields.boot, fields.pid, recognition.command))
    } else {
      commands[commandAt] = (fields.boot, fields.pid, recognition.command)
      commandAt = (commandAt + 1) % 256
    }
    return true
  }
}
