internal import ByteText
internal import LinuxKit

extension PolkitRules {
  package func revoke(_ gain: EntryGain, quarantine: Quarantine) -> EntryOutcome {
    guard let path = PolkitFile.path(gain.entry.object) else {
      return .impossible("take back: \(gain.entry.object): no file of polkit's")
    }
    do throws(SystemError) {
      guard let now = try standing(path) else { return .alreadyDone }
      if let former = gain.former, now.value == former.value { return .alreadyDone }
      guard now.value == gain.entry.value else {
        return .drifted("it was changed or replaced since")
      }
      if let link = linkTarget(now) {
        return try revokeLink(path, link, gain, quarantine)
      }
      let former = gain.former.map { PolkitFile.Kept($0.detail) }
      if let former, former == nil || former?.link != nil {
        return .impossible(
          "put back: \(gain.entry.object): its former content was a link or too long to be kept")
      }
      let file = try RewrittenFile(root + path, below: root, limit: PolkitFile.longest)
      guard PolkitFile.hash(file.bytes) == gain.entry.value else {
        return .drifted("it was changed or replaced since")
      }
      try quarantine.keep(file.bytes, as: quarantineName(path))
      let outcome: RewrittenFile.Outcome
      if let former = former ?? nil {
        outcome = try file.replace(with: former.bytes)
      } else {
        outcome = try file.remove()
      }
      if outcome == .changedMeanwhile { return .drifted("it was changed meanwhile") }
      return try lookAgain(path, gain)
    } catch {
      if error.isMissing { return .alreadyDone }
      if error.isTooLong {
        return .impossible("take back: \(gain.entry.object): \(PolkitFile.tooLong)")
      }
      return .failed("\(error)")
    }
  }

  package func restore(_ gain: EntryGain) -> EntryOutcome {
    guard let path = PolkitFile.path(gain.entry.object) else {
      return .impossible("put back: \(gain.entry.object): no file of polkit's")
    }
    guard let kept = PolkitFile.Kept(gain.entry.detail) else {
      return .impossible("put back: \(gain.entry.object): too long to be kept in the record")
    }
    do throws(SystemError) {
      let now = try standing(path)
      if now?.value == gain.entry.value { return .alreadyDone }
      guard now?.value == gain.former?.value else {
        return .drifted("another file stands there now")
      }
      if let link = kept.link {
        try SymbolicLink.create(root + path, below: root, target: link)
      } else if let former = gain.former {
        let file = try RewrittenFile(root + path, below: root, limit: PolkitFile.longest)
        guard former.value == PolkitFile.hash(file.bytes) else {
          return .drifted("another file stands there now")
        }
        guard try file.replace(with: kept.bytes) != .changedMeanwhile else {
          return .drifted("it was changed meanwhile")
        }
      } else {
        try CreatedFile.create(
          root + path, below: root, with: kept.bytes,
          CreatedFile.Ownership(uid: kept.uid, gid: kept.gid, mode: kept.mode))
      }
      let after = try standing(path)
      return after?.value == gain.entry.value
        ? .done : .failed("put back: \(gain.entry.object): it is not what was written")
    } catch {
      if error.isExisting { return .drifted("another file stands there now") }
      return .failed("\(error)")
    }
  }

  package func plan(_ gain: EntryGain) -> String {
    let path = String(gain.entry.object.dropFirst("polkit:".count))
    if gain.former == nil { return "move \(path) to quarantine" }
    return "put back the former content of \(path)"
  }

  private func revokeLink(
    _ path: [UInt8], _ link: [UInt8], _ gain: EntryGain, _ quarantine: Quarantine
  ) throws(SystemError) -> EntryOutcome {
    guard gain.former == nil else {
      return .impossible("put back: \(gain.entry.object): a link stands in its place now")
    }
    try quarantine.keep(link + [0x0a], as: quarantineName(path) + ".link")
    guard try SymbolicLink.remove(root + path, below: root, target: link) else {
      return .drifted("it was changed meanwhile")
    }
    return try lookAgain(path, gain)
  }

  private func lookAgain(_ path: [UInt8], _ gain: EntryGain) throws(SystemError) -> EntryOutcome {
    guard let now = try standing(path) else { return .done }
    guard now.value != gain.entry.value else {
      return .failed("take back: \(gain.entry.object): it stands there still")
    }
    return now.value == gain.former?.value ? .done : .drifted("another file stands there now")
  }

  private func standing(_ path: [UInt8]) throws(SystemError) -> AccessEntry? {
    try PolkitFile.entry(path, root: root)
  }

  private func linkTarget(_ entry: AccessEntry) -> [UInt8]? {
    guard entry.value.hasPrefix("link ") else { return nil }
    let words = entry.value.dropFirst("link ".count)
    guard let end = words.lastIndex(of: " ") else { return nil }
    return unescaped(String(words[..<end]))
  }

  private func quarantineName(_ path: [UInt8]) -> String {
    quarantinedName(path.split(separator: UInt8(ascii: "/")).last ?? [])
  }
}

/// A file's name as `Quarantine.keep` takes it.
func quarantinedName(_ name: some Sequence<UInt8>) -> String {
  let allowed = name.prefix(100).map { byte in
    isAlphanumeric(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
      ? byte : UInt8(ascii: "_")
  }
  return String(decoding: allowed, as: UTF8.self)
}
