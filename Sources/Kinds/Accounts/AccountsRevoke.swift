package import ByteText
internal import LinuxKit

extension Accounts {
  /// One change may take several of an account's values away: each that stood before is done, and not
  /// one that somebody else had taken already.
  package func revoke(_ tasks: [EntryRevocation]) -> [EntryOutcome] {
    let before = tasks.count > 1 ? try? read(previous: nil) : nil
    var changed: Set<String> = []
    return tasks.map { task in
      let entry = task.gain.entry
      let outcome = revoke(task.gain, quarantine: task.quarantine)
      if outcome == .done { changed.insert(entry.object) }
      let wasThere = !task.gain.isLonger && before?.contains(entry.key) ?? false
      return outcome == .alreadyDone && wasThere && changed.contains(entry.object) ? .done : outcome
    }
  }

  package func revoke(_ gain: EntryGain, quarantine: Quarantine) -> EntryOutcome {
    if gain.isLonger {
      return setEnd(of: gain, to: gain.former.flatMap { AccountDetail($0.detail)?.now }) {
        facts throws(SystemError) in
        if let name = Self.name(of: gain.entry), let line = line(of: name, in: "/etc/shadow") {
          try quarantine.keep(line, as: "shadow")
        }
        return facts.now.end > facts.wanted.end
      }
    }
    return act(on: gain, gone: .alreadyDone) { target in
      guard target.isThere else { return .done(.alreadyDone) }
      // Whoever became root since is still the same account.
      guard target.isSame || target.now.uid == 0 else {
        return .done(.drifted(target.drift))
      }
      do throws(SystemError) {
        for file in ["passwd", "shadow"] {
          if let line = line(of: target.name, in: "/etc/\(file)") {
            try quarantine.keep(line, as: file)
          }
        }
      } catch {
        return .done(.failed("\(error)"))
      }
      return .change(.undo(target.value, target.detail, on: target.day), leaves: false)
    }
  }

  /// Unlocks a password only where its hash still stands behind the lock.
  package func restore(_ gain: EntryGain) -> EntryOutcome {
    if gain.isLonger {
      return setEnd(of: gain, to: AccountDetail(gain.entry.detail)?.now) {
        $0.now.end < $0.wanted.end
      }
    }
    return act(on: gain, gone: .drifted("\(gain.entry.object): there is no such account")) {
      target in
      if target.isThere { return .done(.alreadyDone) }
      guard target.isSame else {
        return .done(.drifted(target.drift))
      }
      if target.detail.now.isExpired(on: target.day) {
        return .done(.impossible("restore: \(gain.entry.object): its day of expiry has passed"))
      }
      let hasPassword = target.now.password == .locked || target.now.password.isUsable
      if target.value == .noPassword || target.value == .password && !hasPassword {
        return .done(
          .impossible("restore: \(gain.entry.object): no password is kept: set one with passwd(1)"))
      }
      return .change(
        .redo(target.value, target.detail, now: target.now, on: target.day), leaves: true)
    }
  }

  package func plan(_ gain: EntryGain) -> String {
    guard let value = EntryValue(rawValue: gain.entry.value),
      let detail = AccountDetail(gain.entry.detail), let name = Self.name(of: gain.entry)
    else { return "revoke: \(gain.entry.object): no entry of an account" }
    if name == Self.rootName { return Self.noRoot("revoke", gain.entry) }
    if gain.isLonger, let former = gain.former.flatMap({ AccountDetail($0.detail)?.now }) {
      return AccountChange(expiry: .some(former.expiry))
        .commands(name, root: root, fromRoot: false).map(\.text).joined(separator: "; ")
    }
    return AccountChange.undo(value, detail, on: today())
      .commands(name, root: root, fromRoot: detail.now.uid == 0).map(\.text)
      .joined(separator: "; ")
  }

  /// `chage -E` on an account that the grant created: the first day that begins at `until` or after
  /// it, never later than an end that it has; nil gives back the end with which it came.
  package func setNativeExpiry(_ entry: AccessEntry, until: Timestamp?) -> EntryOutcome {
    guard let detail = AccountDetail(entry.detail), detail.former == .nothing,
      let name = Self.name(of: entry), name != Self.rootName
    else { return .unsupported }
    do throws(EntryKindError) {
      guard let now = try table().facts[escaped(name)] else { return .alreadyDone }
      guard now.uid == detail.now.uid else {
        return .drifted(Self.drift(entry, detail.now.uid, now.uid))
      }
      var day = detail.now.expiry
      if let until {
        let (days, rest) = until.microseconds.quotientAndRemainder(dividingBy: microsecondsOfDay)
        let end = max(days + (rest > 0 ? 1 : 0), AccountChange.longAgo)
        day = day.map { $0 > 0 ? min($0, end) : end } ?? end
      }
      guard now.expiry != day else { return .alreadyDone }
      let below = root.isEmpty ? [] : [Array("-R".utf8), root]
      let date = day.map { AccountChange.date($0) } ?? "-1"
      let command = ToolCommand(
        tool: "/usr/bin/chage",
        arguments: below + ["-E", date, "--"].map { Array($0.utf8) } + [name])
      let result = command.run()
      guard try table().facts[escaped(name)]?.expiry == day else {
        return .failed(command.failure(result, otherwise: "the account's end is another"))
      }
      return .done
    } catch {
      return .failed("\(error)")
    }
  }

  /// An account that came with one of the entries ends with all of them, also with what its maker wrote
  /// a moment later.
  package func setNativeExpiry(_ entries: [AccessEntry], until: Timestamp?) -> EntryOutcome {
    let came = entries.filter { AccountDetail($0.detail)?.former == .nothing }
    guard Set(came.map(\.object)) == Set(entries.map(\.object)) else { return .unsupported }
    for entry in came {
      let outcome = setNativeExpiry(entry, until: until)
      guard outcome == .done || outcome == .alreadyDone else { return outcome }
    }
    return .done
  }

  /// Gives the account the day of expiry of `facts`, where `isWanted` says so.
  private func setEnd(
    of gain: EntryGain, to facts: AccountFacts?,
    where isWanted: ((now: AccountFacts, wanted: AccountFacts)) throws(SystemError) -> Bool
  ) -> EntryOutcome {
    let entry = gain.entry
    guard let wanted = facts, let detail = AccountDetail(entry.detail),
      let name = Self.name(of: entry)
    else { return .impossible("\(entry.object): no end of an account") }
    guard name != Self.rootName else { return .impossible(Self.noRoot("change", entry)) }
    do throws(EntryKindError) {
      guard let now = try table().facts[escaped(name)] else { return .alreadyDone }
      let target = Target(
        entry: entry, name: name, value: .known, detail: detail, now: now, day: today())
      guard target.isSame || now.uid == 0 else { return .drifted(target.drift) }
      do throws(SystemError) {
        guard try isWanted((now, wanted)) else { return .alreadyDone }
      } catch {
        return .failed("\(error)")
      }
      var words = "nothing was left to change"
      let change = AccountChange(expiry: .some(wanted.expiry))
      for command in change.commands(name, root: root, fromRoot: false) {
        words = command.failure(command.run(), otherwise: "the account's end is another")
      }
      let after = try table().facts[escaped(name)]
      return after.map { $0.end == wanted.end } ?? true ? .done : .failed(words)
    } catch {
      return .failed("\(error)")
    }
  }

  static let rootName = Array("root".utf8)

  static func name(of entry: AccessEntry) -> [UInt8]? {
    guard entry.subject.hasPrefix("user:") else { return nil }
    return unescaped(String(entry.subject.dropFirst("user:".count)))
  }

  private static func noRoot(_ verb: String, _ entry: AccessEntry) -> String {
    "\(verb): \(entry.object): root itself is left alone"
  }

  private static func drift(_ entry: AccessEntry, _ then: UInt32, _ now: UInt32) -> String {
    "\(entry.object): its uid was \(then) and is \(now)"
  }

  /// An account about to be changed, as it stands and as the gain knew it.
  private struct Target {
    var entry: AccessEntry
    var name: [UInt8]
    var value: EntryValue
    var detail: AccountDetail
    var now: AccountFacts
    var day: Int64

    /// False when the name is another account's now: it has neither uid that the gain knew.
    var isSame: Bool {
      if case .facts(let former) = detail.former, now.uid == former.uid { return true }
      return now.uid == detail.now.uid
    }

    var isThere: Bool { Accounts.values(of: now, on: day).contains(value) }
    var drift: String { Accounts.drift(entry, detail.now.uid, now.uid) }
  }

  private enum Decision {
    case done(EntryOutcome)
    /// To be made; whether the entry is there afterwards.
    case change(AccountChange, leaves: Bool)
  }

  private func act(
    on gain: EntryGain, gone: EntryOutcome, _ decide: (Target) -> Decision
  ) -> EntryOutcome {
    let entry = gain.entry
    guard let value = EntryValue(rawValue: entry.value), value != .known,
      let detail = AccountDetail(entry.detail), let name = Self.name(of: entry)
    else { return .impossible("\(entry.object): no entry of an account") }
    guard name != Self.rootName else { return .impossible(Self.noRoot("change", entry)) }
    do throws(EntryKindError) {
      guard let now = try table().facts[escaped(name)] else { return gone }
      let target = Target(
        entry: entry, name: name, value: value, detail: detail, now: now, day: today())
      switch decide(target) {
      case .done(let outcome): return outcome
      case .change(let change, let leaves):
        var words = "nothing was left to change, but it is \(leaves ? "not " : "")there"
        for command in change.commands(name, root: root, fromRoot: now.uid == 0) {
          let result = command.run()
          words = command.failure(
            result,
            otherwise: "\(entry.value) of \(entry.object) is \(leaves ? "not" : "still") there")
          guard result.succeeded else { break }
        }
        let after = try table().facts[escaped(name)]
        let isThere = after.map { Self.values(of: $0, on: today()).contains(value) } ?? false
        return isThere == leaves ? .done : .failed(words)
      }
    } catch {
      return .failed("\(error)")
    }
  }

  /// The account's line with its password's hash replaced by a note.
  private func line(of name: [UInt8], in below: String) -> [UInt8]? {
    guard let bytes = try? AccountFile(path: path(below), mayBeEmpty: true).bytes else {
      return nil
    }
    let lines = split(bytes[...], at: UInt8(ascii: "\n")).map { $0.drop(while: isBlank) }
    guard let line = lines.first(where: { $0.starts(with: name + [UInt8(ascii: ":")]) }) else {
      return nil
    }
    var fields = split(line, at: UInt8(ascii: ":")).map { Array($0) }
    guard fields.count > 1 else { return nil }
    switch PasswordField(fields[1]) {
    case .usable where fields[1] != [UInt8(ascii: "x")]: fields[1] = Array("(hash not kept)".utf8)
    case .locked: fields[1] = Array("!(hash not kept)".utf8)
    default: break
    }
    return Array(fields.joined(separator: [UInt8(ascii: ":")])) + [UInt8(ascii: "\n")]
  }
}
