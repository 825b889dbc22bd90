import ByteText

private let slash = UInt8(ascii: "/")
private let dot = UInt8(ascii: ".")

/// `path` without empty components, `.`, and `..` as far as the text tells; symbolic links are not
/// known here. A relative path stays relative; `..` behind a part that is not known is kept.
func normalised(_ path: [UInt8], exact: Bool) -> [UInt8] {
  let absolute = path.first == slash
  if isNormal(path) { return path }
  var parts: [ArraySlice<UInt8>] = []
  for part in path.split(separator: slash) {
    if part.count == 1, part.first == dot { continue }
    if part.count == 2, part.allSatisfy({ $0 == dot }) {
      if let last = parts.last {
        let climbs = last.count == 2 && last.allSatisfy { $0 == dot }
        if !climbs, exact || !isUnresolved(last) {
          parts.removeLast()
          continue
        }
      } else if absolute {
        continue
      }
    }
    parts.append(part)
  }
  let joined = Array(parts.joined(separator: [slash]))
  if absolute { return [slash] + joined }
  return joined.isEmpty ? [dot] : joined
}

/// True for a path in which nothing is to be resolved, as most are.
private func isNormal(_ path: [UInt8]) -> Bool {
  guard path.count > 1, path.last != slash, path.first != dot else { return false }
  return path.withUnsafeBufferPointer { path in
    for at in 1..<path.count where path[at - 1] == slash {
      if path[at] == slash || path[at] == dot { return false }
    }
    return true
  }
}

/// True when a component has a part that only a shell could tell.
func isUnresolved(_ part: some Collection<UInt8>) -> Bool {
  part.contains { "$`~<*?[{".utf8.contains($0) }
}

/// `word` as seen from `directory`, which is empty where nothing is known of it.
func joined(_ word: ShellWord, to directory: ShellWord) -> ShellWord {
  if let first = word.bytes.first, first == slash || first == UInt8(ascii: "~") && !word.exact {
    return word
  }
  guard !directory.bytes.isEmpty, directory.bytes.count + word.bytes.count <= 8192 else {
    return word
  }
  return ShellWord(
    bytes: directory.bytes + [slash] + word.bytes, exact: directory.exact && word.exact)
}
