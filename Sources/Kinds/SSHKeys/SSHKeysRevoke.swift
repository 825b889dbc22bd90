internal import ByteText
internal import LinuxKit

extension SSHKeys {
  private static let tries = 3

  package func revoke(_ gain: EntryGain, quarantine: Quarantine) -> EntryOutcome {
    if Self.isUntold(gain.entry) {
      return .impossible("take back: \(gain.entry.object): \(gain.entry.value); look at them")
    }
    do throws(SystemError) {
      guard let holder = try holder(of: gain.entry.object) else { return .alreadyDone }
      let key = gain.entry.key
      guard try holds(holder, key) else { return .alreadyDone }
      var former: [UInt8]?
      if let entry = gain.former {
        guard let line = KeyDetail(entry.detail).line()?.line else {
          return .impossible("put back: \(entry.object): the former line was too long to be kept")
        }
        former = line
      }
      return takeOut(key, former: former, formerKey: gain.former?.key, holder, quarantine)
    } catch {
      return .failed("\(error)")
    }
  }

  private func takeOut(
    _ key: AccessEntry.Key, former: [UInt8]?, formerKey: AccessEntry.Key?, _ holder: KeyHolder,
    _ quarantine: Quarantine
  ) -> EntryOutcome {
    var reason = "it was changed again and again meanwhile"
    for _ in 0..<Self.tries {
      do throws(SystemError) {
        var isPutBack = true
        if let formerKey { isPutBack = try holds(holder, formerKey) }
        for place in holder.places {
          let edit = KeyFileEdit(root: root, place: place)
          let isMeant = { [self] (line: KeyLine) in matches(line, key, holder) }
          let putBack = isPutBack ? nil : former
          let outcome = try edit.apply(
            { Self.without(isMeant, of: $0, putBack: putBack) },
            before: { bytes throws(SystemError) in
              let taken = KeyLine.lines(bytes).filter(isMeant).flatMap { bytes[$0.range] }
              let name = holder.object.dropFirst("account:".count)
              try quarantine.keep(
                taken, as: quarantinedName("\(name)-\(Self.lastName(place.path))".utf8))
            })
          switch outcome {
          case .nothing: break
          case .done: isPutBack = true
          case .changedMeanwhile: reason = "\(escaped(place.path)): it was changed meanwhile"
          case .refused(let words): return .failed("edit: \(escaped(place.path)): \(words)")
          }
        }
        if try !holds(holder, key) { return .done }
      } catch {
        return .failed("\(error)")
      }
    }
    return .failed("take back: \(holder.object): \(reason)")
  }

  /// The bytes without the lines that are meant, the first of them replaced; nil when there is none.
  private static func without(
    _ isMeant: (KeyLine) -> Bool, of bytes: [UInt8], putBack: [UInt8]?
  ) -> [UInt8]? {
    var new: [UInt8] = []
    var found = false
    for line in KeyLine.lines(bytes) {
      guard isMeant(line) else {
        new += bytes[line.range]
        continue
      }
      if !found, let putBack { new += putBack + [0x0a] }
      found = true
    }
    return found ? new : nil
  }

  private static func lastName(_ path: [UInt8]) -> String {
    escaped(path.split(separator: UInt8(ascii: "/")).last ?? [])
  }

  func matches(_ line: KeyLine, _ key: AccessEntry.Key, _ holder: KeyHolder) -> Bool {
    guard let found = line.key, found.subject == key.subject else { return false }
    return holder.value(found) == key.value
  }

  /// True when a line of that key and those options stands in a file of the holder, whether or not
  /// its end has passed.
  func holds(_ holder: KeyHolder, _ key: AccessEntry.Key) throws(SystemError) -> Bool {
    for place in holder.places {
      do throws(SystemError) {
        let file = try RootedFile(place.path, root: root, limit: Self.longestEdited)
        if KeyLine.lines(file.bytes).contains(where: { matches($0, key, holder) }) { return true }
      } catch {
        guard error.isNoFile else { throw error }
      }
    }
    return false
  }

  package func plan(_ gain: EntryGain) -> String {
    if Self.isUntold(gain.entry) { return "nothing: \(gain.entry.object): \(gain.entry.value)" }
    let path = KeyDetail(gain.entry.detail).lines.first.map { escaped($0.path) }
    let place = path ?? "the files of keys of \(gain.entry.object.dropFirst("account:".count))"
    let key = gain.entry.subject.dropFirst("key:".count)
    if gain.former == nil { return "take the line of \(key) out of \(place)" }
    return "put the former options of \(key) back in \(place)"
  }
}
