package import ByteText
internal import LinuxKit

extension SudoRules {
  package func revoke(_ gain: EntryGain, quarantine: Quarantine) -> EntryOutcome {
    if Self.isUntold(gain.entry) {
      return .impossible("take back: \(gain.entry.object): \(gain.entry.value); look at it")
    }
    let outcome = edit(gain.entry, keepIn: quarantine) { edit throws(SudoersEdit.Failure) in
      let now = Timestamp(microseconds: SystemClock.wall())
      var lines: [String] = []
      if let former = gain.former {
        guard let line = SudoRuleDetail.line(former, now: now) else {
          throw .impossible("put back: \(former.object): the rule before is not known whole")
        }
        if !edit.holds(line) { lines.append(line) }
      }
      try edit.replace(gain.entry, by: lines)
    }
    return looked(at: gain.entry, shouldStand: false, after: outcome)
  }

  package func restore(_ gain: EntryGain) -> EntryOutcome {
    let now = Timestamp(microseconds: SystemClock.wall())
    guard let line = SudoRuleDetail.line(gain.entry, now: now) else {
      return .impossible("restore: \(gain.entry.object): the rule is not known whole")
    }
    do throws(EntryKindError) {
      if try read(previous: nil).contains(gain.entry.key) { return .alreadyDone }
    } catch {
      return .failed("\(error)")
    }
    var outcome = edit(gain.entry, keepIn: nil) { edit throws(SudoersEdit.Failure) in
      if let former = gain.former {
        do throws(SudoersEdit.Failure) {
          try edit.replace(former, by: [line])
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
    guard SudoRuleDetail.rule(entry) != nil else { return .unsupported }
    return edit(entry, keepIn: nil) { edit throws(SudoersEdit.Failure) in
      try edit.setEnd(entry, to: until.map(SudoTime.text))
    }
  }

  /// Changes the file that `entry` stands in under visudo's lock; `alreadyDone` when it is not there,
  /// does not hold the entry, or is as it should be.
  private func edit(
    _ entry: AccessEntry, keepIn quarantine: Quarantine?,
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
        if quarantine == nil { try edit.mustBeWhole() }
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
      try quarantine?.keep(file.bytes, as: Self.plainName(path))
      let isEmpty = edit.isBlankNow && quarantine != nil && path != SudoersFiles.main
      let result = edit.result
      let outcome =
        isEmpty
        ? try file.remove()
        : try file.replace(with: result) { temporary in
          guard let words = SudoersCheck.refusal(result, at: temporary) else { return nil }
          return quarantine != nil && edit.mayStayRefused ? nil : words
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
  private static func plainName(_ path: [UInt8]) -> String {
    let name = path.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
    let plain = name.prefix(100).map { byte in
      isAlphanumeric(byte) || "-_".utf8.contains(byte) ? byte : UInt8(ascii: "_")
    }
    return "sudoers-" + String(decoding: plain, as: UTF8.self)
  }
}
