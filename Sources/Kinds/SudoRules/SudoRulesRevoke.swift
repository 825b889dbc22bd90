package import ByteText
internal import LinuxKit

extension SudoRules {
  package func revoke(_ gain: EntryGain, quarantine: Quarantine) -> EntryOutcome {
    if Self.isUntold(gain.entry) {
      return .impossible("take back: \(gain.entry.object): \(gain.entry.value); look at it")
    }
    if gain.isLonger { return putEndBack(gain, quarantine) }
    let outcome = edit(gain.entry, keepIn: quarantine) { edit throws(SudoersEdit.Failure) in
      let lines = try Self.putBack(gain).filter { !edit.holds($0) }
      try edit.replace([gain.entry.key: lines])
    }
    return looked(at: gain.entry, shouldStand: false, after: outcome)
  }

  package func copies(of entry: AccessEntry) -> Int { SudoRuleDetail.copies(entry) }

  package func leaveOne(_ entry: AccessEntry, quarantine: Quarantine) -> EntryOutcome {
    edit(entry, keepIn: quarantine) { edit throws(SudoersEdit.Failure) in
      try edit.leaveOne(entry)
    }
  }

  /// What is to stand in the entry's place.
  static func putBack(_ gain: EntryGain) throws(SudoersEdit.Failure) -> [String] {
    guard let former = gain.former else { return [] }
    let now = Timestamp(microseconds: SystemClock.wall())
    guard let line = SudoRuleDetail.line(former, now: now) else {
      throw .impossible("put back: \(former.object): the rule before is not known whole")
    }
    return [line]
  }

  package func restore(_ gain: EntryGain) -> EntryOutcome {
    let now = Timestamp(microseconds: SystemClock.wall())
    guard let line = SudoRuleDetail.line(gain.entry, now: now) else {
      return .impossible("restore: \(gain.entry.object): the rule is not known whole")
    }
    do throws(EntryKindError) {
      let standing = try read(previous: nil)[gain.entry.key]
      if gain.isLonger {
        guard let standing else { return .drifted("the rule is not there any more") }
        if let end = self.end(of: standing), let wanted = self.end(of: gain.entry), end >= wanted {
          return .alreadyDone
        }
        return setNativeExpiry(gain.entry, ending: SudoRuleDetail.rule(gain.entry)?.notAfter)
      }
      if standing != nil { return .alreadyDone }
    } catch {
      return .failed("\(error)")
    }
    var outcome = edit(gain.entry, keepIn: nil) { edit throws(SudoersEdit.Failure) in
      if let former = gain.former {
        do throws(SudoersEdit.Failure) {
          try edit.replace([former.key: [line]])
          return
        } catch .absent {
          // Gone meanwhile: then at the end.
        }
      }
      try edit.append(line)
    }
    if outcome == .alreadyDone { outcome = create(gain.entry, line) }
    return looked(at: gain.entry, shouldStand: true, after: outcome)
  }

  package func setNativeExpiry(_ entry: AccessEntry, until: Timestamp?) -> EntryOutcome {
    setNativeExpiry(
      entry, ending: until.map(SudoTime.text), mostCopies: SudoRuleDetail.copies(entry))
  }

  private func setNativeExpiry(
    _ entry: AccessEntry, ending: String?, mostCopies: Int = .max
  ) -> EntryOutcome {
    guard SudoRuleDetail.rule(entry) != nil else { return .unsupported }
    return edit(entry, keepIn: nil) { edit throws(SudoersEdit.Failure) in
      guard edit.copies(of: entry) <= mostCopies else {
        throw .unclear("write an end: \(entry.object): a copy of the rule came meanwhile")
      }
      try edit.setEnd(entry, to: ending)
    }
  }

  /// Gives the rule the end that it had, unless it ends sooner by now.
  private func putEndBack(_ gain: EntryGain, _ quarantine: Quarantine) -> EntryOutcome {
    guard let former = gain.former, let end = self.end(of: former), case .at(let moment) = end
    else {
      return .impossible("put back: \(gain.entry.object): the end before is not known")
    }
    let outcome = edit(gain.entry, keepIn: quarantine) { edit throws(SudoersEdit.Failure) in
      try edit.shorten(gain.entry, to: SudoTime.text(moment))
    }
    guard outcome == .done || outcome == .alreadyDone else { return outcome }
    do throws(EntryKindError) {
      guard let now = try read(previous: nil)[gain.entry.key] else { return outcome }
      guard let stands = self.end(of: now), stands <= end else {
        return .failed("look again: \(gain.entry.object): the rule still ends later")
      }
      return outcome
    } catch {
      return .failed("\(error)")
    }
  }

  /// What of a file goes to one grant's quarantine: these bytes, or the whole file.
  struct Kept {
    var quarantine: Quarantine
    var bytes: [UInt8]?
  }

  private func edit(
    _ entry: AccessEntry, keepIn quarantine: Quarantine?,
    _ change: (inout SudoersEdit) throws(SudoersEdit.Failure) -> Void
  ) -> EntryOutcome {
    edit(entry, keeping: quarantine.map { [Kept(quarantine: $0)] }, change)
  }

  /// Changes the file that `entry` stands in under visudo's lock; `alreadyDone` when it is not there,
  /// does not hold the entry, or is as it should be. With `kept`, which is kept before the file is
  /// touched, something is taken out; nil where something is put in, which no broken file takes.
  func edit(
    _ entry: AccessEntry, keeping kept: [Kept]?,
    _ change: (inout SudoersEdit) throws(SudoersEdit.Failure) -> Void
  ) -> EntryOutcome {
    guard let path = Self.path(of: entry), path.first == UInt8(ascii: "/") else {
      return .impossible("edit: \(entry.object): no sudoers file")
    }
    let state: SudoersState
    do throws(EntryKindError) { state = try look() } catch { return .failed("\(error)") }
    do throws(SystemError) {
      let file = try RewrittenFile(root + path, below: root, locking: true)
      var edit = SudoersEdit(file.bytes, path: path, state)
      do throws(SudoersEdit.Failure) {
        if kept == nil { try edit.mustBeWhole() }
        try change(&edit)
      } catch {
        switch error {
        case .absent: return .alreadyDone
        case .unclear(let words): return .failed(words)
        case .impossible(let words): return .impossible(words)
        }
      }
      if edit.result == file.bytes { return .alreadyDone }
      if let refusal = edit.check() { return .failed("check: \(escaped(path)): \(refusal)") }
      for piece in kept ?? [] {
        try piece.quarantine.keep(piece.bytes ?? file.bytes, as: Self.plainName(path))
      }
      let isEmpty = edit.isBlankNow && kept != nil && path != SudoersFiles.main
      let result = edit.result
      let outcome =
        isEmpty
        ? try file.remove()
        : try file.replace(with: result) { temporary in
          guard let words = SudoersCheck.refusal(result, at: temporary) else { return nil }
          return kept != nil && edit.mayStayRefused ? nil : words
        }
      switch outcome {
      case .done, .unchanged: return .done
      case .changedMeanwhile:
        return .failed("edit: \(escaped(path)): somebody changed it meanwhile")
      case .refused(let words): return .failed("check: \(escaped(path)): \(words)")
      }
    } catch {
      if error.isMissing { return .alreadyDone }
      if error.isLocked {
        return .failed("lock: \(escaped(path)): visudo or another editor has it")
      }
      if error.isOtherObject { return .drifted("\(error)") }
      return .failed("\(error)")
    }
  }

  /// Creates a file for a rule whose file is gone.
  private func create(_ entry: AccessEntry, _ line: String) -> EntryOutcome {
    guard let path = Self.path(of: entry), let bytes = unescaped(line) else {
      return .impossible("restore: \(entry.object): no sudoers file")
    }
    do throws(SystemError) {
      let text = bytes + [0x0a]
      let outcome = try CreatedFile.create(
        root + path, below: root, with: text,
        CreatedFile.Ownership(uid: 0, gid: 0, mode: 0o440)
      ) { SudoersCheck.refusal(text, at: $0) }
      if case .refused(let words) = outcome { return .failed("check: \(escaped(path)): \(words)") }
      return .done
    } catch {
      return error.isOtherObject ? .drifted("\(error)") : .failed("\(error)")
    }
  }

  /// Looks again: only what the files say now counts.
  private func looked(
    at entry: AccessEntry, shouldStand: Bool, after outcome: EntryOutcome
  ) -> EntryOutcome {
    guard outcome == .done || outcome == .alreadyDone else { return outcome }
    do throws(EntryKindError) {
      // Where the file cannot be told, only what was just written is known.
      if outcome == .alreadyDone, !shouldStand, let path = Self.path(of: entry),
        let words = try look().untold(path)
      {
        return .failed(words)
      }
      guard try read(previous: nil).contains(entry.key) == shouldStand else {
        return .failed(
          "look again: \(entry.object): the rule \(shouldStand ? "is not there" : "still stands")")
      }
      if !shouldStand { noteTakenOut(entry.key) }
      return outcome
    } catch {
      return .failed("\(error)")
    }
  }

  /// A name for the quarantine, of plain letters.
  static func plainName(_ path: [UInt8]) -> String {
    let name = path.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
    let plain = name.prefix(100).map { byte in
      isAlphanumeric(byte) || "-_".utf8.contains(byte) ? byte : UInt8(ascii: "_")
    }
    return "sudoers-" + String(decoding: plain, as: UTF8.self)
  }
}
