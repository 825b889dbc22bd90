package import ByteText
internal import LinuxKit

extension SSHKeys {
  package func restore(_ gain: EntryGain) -> EntryOutcome {
    do throws(SystemError) {
      let key = gain.entry.key
      guard let holder = try holder(of: gain.entry.object) else {
        return .impossible("put back: \(gain.entry.object): there is no such account")
      }
      if gain.isLonger { return try putEndOff(gain, holder) }
      if try holds(holder, key) { return .alreadyDone }
      guard let kept = KeyDetail(gain.entry.detail).line(),
        let place = holder.places.first(where: { $0.path == kept.path }) ?? holder.places.first
      else {
        return .impossible("put back: \(gain.entry.object): its line was too long to be kept")
      }
      let line = revived(kept.line)
      guard matches(KeyLine.lines(line).first ?? KeyLine(range: 0..<0), key, holder) else {
        return .impossible("put back: \(gain.entry.object): its record is not the key's")
      }
      return putBack(line, place, holder, gain)
    } catch {
      return .failed("\(error)")
    }
  }

  private func putBack(
    _ line: [UInt8], _ place: KeyFilePlace, _ holder: KeyHolder, _ gain: EntryGain
  ) -> EntryOutcome {
    do throws(SystemError) {
      if let former = gain.former {
        for place in holder.places {
          let edit = KeyFileEdit(root: root, place: place)
          let outcome = try edit.apply { bytes in
            let lines = KeyLine.lines(bytes)
            guard let at = lines.first(where: { matches($0, former.key, holder) }) else {
              return nil
            }
            return bytes[..<at.range.lowerBound] + line + [0x0a] + bytes[at.range.upperBound...]
          }
          if case .refused(let words) = outcome { return .failed("edit: \(words)") }
          if outcome == .changedMeanwhile { return .failed("edit: it was changed meanwhile") }
          if outcome == .done { return try looked(holder, gain) }
        }
      }
      let edit = KeyFileEdit(root: root, place: place)
      switch try edit.apply({ bytes in
        bytes + (bytes.isEmpty || bytes.last == 0x0a ? [] : [0x0a]) + line + [0x0a]
      }) {
      case .done: return try looked(holder, gain)
      case .changedMeanwhile: return .failed("edit: it was changed meanwhile")
      case .refused(let words): return .failed("edit: \(escaped(place.path)): \(words)")
      case .nothing: break
      }
      let base = try RootedFile.realPath(place.base, root: root)
      let ownership = CreatedFile.Ownership(
        uid: holder.account?.uid ?? 0, gid: holder.account?.gid ?? 0,
        mode: holder.account == nil ? 0o644 : 0o600)
      try CreatedFile.create(
        base + place.path.dropFirst(place.base.count), below: base, with: line + [0x0a], ownership)
      return try looked(holder, gain)
    } catch {
      return .failed("\(error)")
    }
  }

  private func looked(
    _ holder: KeyHolder, _ gain: EntryGain
  ) throws(SystemError) -> EntryOutcome {
    try holds(holder, gain.entry.key)
      ? .done : .failed("put back: \(holder.object): the key is not there")
  }

  /// The line without an end of its own that has passed: it would let nobody in.
  private func revived(_ line: [UInt8]) -> [UInt8] {
    guard let key = AuthorizedKey(line[...]), let end = key.options.expiry,
      end <= SystemClock.wall()
    else { return line }
    return KeyExpiry.line(line[...], key, until: nil)
  }

  /// Writes `expiry-time="…Z"` as the first option of the entry's lines, or takes such a one away.
  /// Of two ends in a line sshd takes the first, so that nobody's own end is put off by it.
  package func setNativeExpiry(_ entry: AccessEntry, until: Timestamp?) -> EntryOutcome {
    guard entry.object != KeyHolder.everybody, !Self.isUntold(entry) else { return .unsupported }
    do throws(SystemError) {
      guard let holder = try holder(of: entry.object), try holds(holder, entry.key) else {
        return .alreadyDone
      }
      var outcome = EntryOutcome.alreadyDone
      for place in holder.places {
        let edit = KeyFileEdit(root: root, place: place)
        do throws(SystemError) {
          switch try edit.apply({ ending($0, entry.key, holder, until: until) }) {
          case .nothing: break
          case .done: outcome = .done
          case .changedMeanwhile: return .failed("edit: \(escaped(place.path)): changed meanwhile")
          case .refused(let words): return .failed("edit: \(escaped(place.path)): \(words)")
          }
        } catch {
          return .failed("\(error)")
        }
      }
      return outcome
    } catch {
      return .failed("\(error)")
    }
  }

  /// The bytes with the end set in the entry's lines; nil where it is set already.
  private func ending(
    _ bytes: [UInt8], _ entry: AccessEntry.Key, _ holder: KeyHolder, until: Timestamp?
  ) -> [UInt8]? {
    var new: [UInt8] = []
    for line in KeyLine.lines(bytes) {
      if let key = line.key, matches(line, entry, holder) {
        new += KeyExpiry.line(bytes[line.range], key, until: until)
      } else {
        new += bytes[line.range]
      }
    }
    return new == bytes ? nil : new
  }
}
