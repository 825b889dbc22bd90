internal import ByteText
internal import LinuxKit

/// Keys that end later than they did: the end alone is put back.
extension SSHKeys {
  /// The last end of the entry's lines.
  package func end(of entry: AccessEntry) -> EntryEnd? {
    guard !Self.isUntold(entry) else { return nil }
    var last: EntryEnd?
    for (_, line) in KeyDetail(entry.detail).lines {
      // A line that was too long to be carried.
      guard let key = AuthorizedKey(line[...]) else { return nil }
      let end = Self.end(of: key)
      last = last.map { max($0, end) } ?? end
    }
    return last
  }

  private static func end(of key: AuthorizedKey) -> EntryEnd {
    key.options.expiry.map { .at(Timestamp(microseconds: $0)) } ?? .never
  }

  /// Gives each line of the entry the end of a former one, and takes out what came beside them.
  func putEndBack(_ gain: EntryGain, _ quarantine: Quarantine) -> EntryOutcome {
    guard let former = gain.former, let end = end(of: former) else {
      return .impossible("put back: \(gain.entry.object): the end before is not known")
    }
    do throws(SystemError) {
      guard let holder = try holder(of: gain.entry.object),
        try lastEnd(holder, gain.entry.key).map({ $0 > end }) ?? false
      else { return .alreadyDone }
      var free = KeyDetail(former.detail).lines
      for place in holder.places {
        let edit = KeyFileEdit(root: root, place: place)
        var left = free
        let outcome = try edit.apply(
          { bytes in
            left = free
            return shortened(bytes, gain.entry.key, holder, place, to: end, &left)
          },
          before: { bytes throws(SystemError) in
            let taken = KeyLine.lines(bytes).filter { matches($0, gain.entry.key, holder) }
            try quarantine.keep(
              taken.flatMap { bytes[$0.range] },
              as: quarantinedName("\(holder.object.dropFirst("account:".count))-end".utf8))
          })
        switch outcome {
        case .nothing, .done: free = left
        case .changedMeanwhile: return .failed("edit: \(escaped(place.path)): changed meanwhile")
        case .refused(let words): return .failed("edit: \(escaped(place.path)): \(words)")
        }
      }
      let isBack = try lastEnd(holder, gain.entry.key).map { $0 <= end } ?? true
      return isBack ? .done : .failed("put back: \(holder.object): the key still ends later")
    } catch {
      return .failed("\(error)")
    }
  }

  /// Gives the lines of the entry the end that was put back from them.
  func putEndOff(_ gain: EntryGain, _ holder: KeyHolder) throws(SystemError) -> EntryOutcome {
    let lines = KeyDetail(gain.entry.detail).lines.compactMap { AuthorizedKey($0.line[...]) }
    guard let key = lines.max(by: { Self.end(of: $0) < Self.end(of: $1) }),
      let end = end(of: gain.entry)
    else {
      return .impossible("put back: \(gain.entry.object): its line was too long to be kept")
    }
    guard let now = try lastEnd(holder, gain.entry.key) else {
      return .drifted("the key is not there any more")
    }
    if now >= end { return .alreadyDone }
    for place in holder.places {
      let edit = KeyFileEdit(root: root, place: place)
      let outcome = try edit.apply { bytes in
        var new: [UInt8] = []
        for line in KeyLine.lines(bytes) {
          let isMeant = matches(line, gain.entry.key, holder)
          new += isMeant ? KeyExpiry.line(bytes, line, endingAs: key) : Array(bytes[line.range])
        }
        return new == bytes ? nil : new
      }
      switch outcome {
      case .nothing, .done: break
      case .changedMeanwhile: return .failed("edit: \(escaped(place.path)): changed meanwhile")
      case .refused(let words): return .failed("edit: \(escaped(place.path)): \(words)")
      }
    }
    return try lastEnd(holder, gain.entry.key).map { $0 >= end } ?? false
      ? .done : .failed("put back: \(holder.object): the key ends as before")
  }

  /// When the last of the entry's lines ends; nil when there is none.
  private func lastEnd(
    _ holder: KeyHolder, _ entry: AccessEntry.Key
  ) throws(SystemError) -> EntryEnd? {
    var last: EntryEnd?
    for place in holder.places {
      do throws(SystemError) {
        let file = try RootedFile(place.path, root: root, limit: Self.longestEdited)
        for line in KeyLine.lines(file.bytes) where matches(line, entry, holder) {
          guard let end = line.key.map(Self.end) else { continue }
          last = last.map { max($0, end) } ?? end
        }
      } catch {
        guard error.isNoFile else { throw error }
      }
    }
    return last
  }

  /// The bytes with the ends of `formers`, each of which stands behind one line at the most; nil when
  /// nothing is to be changed.
  private func shortened(
    _ bytes: [UInt8], _ entry: AccessEntry.Key, _ holder: KeyHolder, _ place: KeyFilePlace,
    to end: EntryEnd, _ formers: inout [(path: [UInt8], line: [UInt8])]
  ) -> [UInt8]? {
    var new: [UInt8] = []
    for line in KeyLine.lines(bytes) {
      let whole = Array(bytes[line.range])
      guard let key = line.key, matches(line, entry, holder) else {
        new += whole
        continue
      }
      let plain = KeyExpiry.line(bytes, line, endingAs: nil)
      let match =
        formers.firstIndex { $0.path == place.path && Self.isSame($0.line, plain) }
        ?? formers.firstIndex { $0.path == place.path } ?? formers.indices.first
      guard let match else {
        if Self.end(of: key) <= end { new += whole }
        continue
      }
      let former = formers.remove(at: match).line
      guard let formerKey = AuthorizedKey(former[...]), Self.end(of: key) > Self.end(of: formerKey)
      else {
        new += whole
        continue
      }
      if Self.isSame(former, plain) {
        new += former + (whole.last == 0x0a ? [0x0a] : [])
      } else {
        new += KeyExpiry.line(bytes, line, endingAs: formerKey)
      }
    }
    return new == bytes ? nil : new
  }

  /// True when `former` without its ends is `plain`.
  private static func isSame(_ former: [UInt8], _ plain: [UInt8]) -> Bool {
    let line = KeyLine(range: 0..<former.count, key: AuthorizedKey(former[...]))
    let bare = KeyExpiry.line(former, line, endingAs: nil)
    return bare == (plain.last == 0x0a ? Array(plain.dropLast()) : plain)
  }
}

extension KeyExpiry {
  /// The line with the ends of `other` as its first options in the place of its own; with nil
  /// without any.
  static func line(_ bytes: [UInt8], _ line: KeyLine, endingAs other: AuthorizedKey?) -> [UInt8] {
    guard let key = line.key else { return Array(bytes[line.range]) }
    let head = bytes[line.range.lowerBound..<key.start]
    var rest = bytes[key.start..<line.range.upperBound]
    var options: [ArraySlice<UInt8>] = []
    if key.hasOptions, let end = KeyOptions.end(in: rest) {
      options = pieces(rest[..<end]).filter { !isEnd($0) }
      rest = rest[end...].drop(while: AuthorizedKey.isSpace)
    }
    let ends = (other?.options.options ?? []).compactMap { option in
      option.name == KeyOptions.expiry ? option.value : nil
    }
    let all =
      ends.map { Array("\(KeyOptions.expiry)=\"".utf8) + $0 + [UInt8(ascii: "\"")] }
      + options.map { Array($0) }
    let joined = Array(all.joined(separator: [UInt8(ascii: ",")]))
    return head + joined + (joined.isEmpty ? [] : [0x20]) + rest
  }

  /// The options between the commas outside quotes.
  private static func pieces(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var start = text.startIndex
    var at = start
    var isQuoted = false
    while at < text.endIndex {
      if text[at] == UInt8(ascii: "\\"), at + 1 < text.endIndex,
        text[at + 1] == UInt8(ascii: "\"")
      {
        at += 1
      } else if text[at] == UInt8(ascii: "\"") {
        isQuoted.toggle()
      } else if text[at] == UInt8(ascii: ","), !isQuoted {
        pieces.append(text[start..<at])
        start = at + 1
      }
      at += 1
    }
    pieces.append(text[start..<text.endIndex])
    return pieces
  }

  private static func isEnd(_ option: ArraySlice<UInt8>) -> Bool {
    let name = option.prefix { $0 != UInt8(ascii: "=") }
    return String(decoding: name, as: UTF8.self).lowercased() == KeyOptions.expiry
  }
}
