internal import ByteText

/// What is to be set on an account; only what is named.
struct AccountChange: Equatable, Sendable {
  var uid: UInt32?
  /// True to lock the password, false to unlock it.
  var lock: Bool?
  /// Nil within for no end.
  var expiry: Int64??
  var shell: [UInt8]?

  static let nologin = Array("/usr/sbin/nologin".utf8)
  /// 1970-01-02: the first day that no tool takes for never.
  static let longAgo: Int64 = 1

  /// Takes a gained value away as it was given: what else changed since stays.
  ///
  /// An account that came with it is shut whole, and kept. Where nobody knows what was before, the
  /// least that ends the access is done.
  static func undo(
    _ value: Accounts.EntryValue, _ detail: AccountDetail, on day: Int64
  ) -> AccountChange {
    switch detail.former {
    case .nothing: return AccountChange(lock: true, expiry: longAgo, shell: nologin)
    case .unknown: return shut(value)
    case .facts(let former):
      var change = AccountChange()
      if former.isExpired(on: day) { change.expiry = former.expiry }
      switch value {
      case .root where former.uid != 0: change.uid = former.uid
      case .shell where refusesLogin(shell: former.shell):
        change.shell = isSettable(former.shell) ? former.shell : nologin
      case .password where !former.password.isUsable: change.lock = true
      case .noPassword where former.password != .empty: change.lock = true
      default: break
      }
      return change == AccountChange() ? shut(value) : change
    }
  }

  /// Gives a value back that was taken, as far as `now`, the account as it stands, needs it.
  static func redo(
    _ value: Accounts.EntryValue, _ detail: AccountDetail, now: AccountFacts, on day: Int64
  ) -> AccountChange {
    var change = AccountChange()
    if now.isExpired(on: day) { change.expiry = .some(detail.now.expiry) }
    switch value {
    case .root where now.uid != 0: change.uid = 0
    case .shell where refusesLogin(shell: now.shell): change.shell = detail.now.shell
    case .password where now.password == .locked: change.lock = false
    default: break
    }
    return change
  }

  private static func shut(_ value: Accounts.EntryValue) -> AccountChange {
    switch value {
    case .root: AccountChange(lock: true, expiry: longAgo)
    case .shell: AccountChange(shell: nologin)
    case .password, .noPassword, .known: AccountChange(lock: true)
    }
  }

  /// usermod(8) takes a path, or nothing.
  private static func isSettable(_ shell: [UInt8]) -> Bool {
    shell.count <= longestShell && (shell.isEmpty || shell.first == UInt8(ascii: "/"))
  }
}

extension AccountChange {
  /// The commands that make the change to `name` below `root`, in their order.
  ///
  /// usermod(8) does it all but one thing: it refuses another number while any process runs with the
  /// present one, and with uid 0 one always does. On the host that is left to vipw(8) with sed(1)
  /// for an editor, where the name can be written in both their languages.
  func commands(_ name: [UInt8], root: [UInt8], fromRoot: Bool) -> [ToolCommand] {
    var commands: [ToolCommand] = []
    let usermod = "/usr/sbin/usermod"
    if let uid {
      if root.isEmpty, fromRoot, name.allSatisfy(Self.isPlain) {
        commands.append(Self.vipw(name, uid))
      } else {
        let below = root.isEmpty ? [] : [Array("-R".utf8), root]
        let words = ["-o", "-u", String(uid), "--"].map { Array($0.utf8) }
        commands.append(ToolCommand(tool: usermod, arguments: below + words + [name]))
      }
    }
    var words: [[UInt8]] = []
    if let lock { words.append(Array((lock ? "-L" : "-U").utf8)) }
    if let expiry { words += [Array("-e".utf8), Array(Self.date(expiry).utf8)] }
    if let shell { words += [Array("-s".utf8), shell] }
    if !words.isEmpty {
      let below = root.isEmpty ? [] : [Array("--prefix".utf8), root]
      commands.append(
        ToolCommand(tool: usermod, arguments: below + words + [Array("--".utf8), name]))
    }
    return commands
  }

  /// A day since 1970 as tools write it; a number beyond the year 9999, nothing for never.
  static func date(_ day: Int64?) -> String {
    guard let day else { return "" }
    guard (0..<2_932_896).contains(day) else { return String(day) }
    return String(Timestamp(microseconds: day * microsecondsOfDay).rfc3339.prefix(10))
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
  }

  private static func vipw(_ name: [UInt8], _ uid: UInt32) -> ToolCommand {
    let name = String(decoding: name, as: UTF8.self)
    let program = "s/^([[:blank:]]*\(name):[^:]*):0+:/\\1:\(uid):/"
    return ToolCommand(
      tool: "/usr/sbin/vipw", arguments: [Array("-q".utf8)],
      environment: [("VISUAL", "sed -Ei \"\(program)\"")])
  }
}
