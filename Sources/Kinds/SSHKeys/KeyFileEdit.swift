internal import ByteText
internal import LinuxKit

/// A change of one file of keys that leaves every other byte as it is.
struct KeyFileEdit {
  let root: [UInt8]
  let place: KeyFilePlace

  enum Outcome: Equatable {
    /// The file is not there, or `change` wants nothing.
    case nothing
    case done
    case changedMeanwhile
    case refused(String)
  }

  /// Gives the file what `change` makes of its bytes; nil leaves it alone. `before` runs with the
  /// former bytes before anything is touched.
  ///
  /// The file is read where sshd would read it, and written where it really lies, if that is below
  /// the trusted folder: a link that leads out of a home is never written through.
  func apply(
    _ change: ([UInt8]) -> [UInt8]?, before: ([UInt8]) throws(SystemError) -> Void = { _ in }
  ) throws(SystemError) -> Outcome {
    do throws(SystemError) {
      let now = try RootedFile(place.path, root: root, limit: SSHKeys.longestEdited)
      guard change(now.bytes) != nil else { return .nothing }
    } catch {
      if error.isNoFile { return .nothing }
      throw error
    }
    let base = try RootedFile.realPath(place.base, root: root)
    let real = try RootedFile.realPath(place.path, root: root)
    guard base == [UInt8(ascii: "/")] || real.starts(with: base + [UInt8(ascii: "/")]) else {
      throw SystemError(SystemError.crossesOut, "edit", escaped(place.path))
    }
    let file = try RewrittenFile(real, below: base, limit: SSHKeys.longestEdited)
    guard let new = change(file.bytes) else { return .nothing }
    try before(file.bytes)
    let old = file.bytes
    switch try file.replace(with: new, check: { _ in Self.refusal(old, new) }) {
    case .done, .unchanged: return .done
    case .changedMeanwhile: return .changedMeanwhile
    case .refused(let words): return .refused(words)
    }
  }

  private static let program = "/usr/bin/ssh-keygen"

  /// Why `new` must not take the place of `old`: ssh-keygen(1) finds a key no more whose lines were
  /// left alone. It gets the bytes, not a path: the folder may be anybody's.
  private static func refusal(_ old: [UInt8], _ new: [UInt8]) -> String? {
    guard let before = fingerprints(old) else { return nil }
    let (had, has) = (counts(old), counts(new))
    let kept = before.filter { had[$0] != nil && had[$0] == has[$0] }
    let missing = kept.isEmpty ? [] : kept.subtracting(fingerprints(new) ?? [])
    return missing.min().map { "ssh-keygen does not find \($0) in it any more" }
  }

  private static func counts(_ bytes: [UInt8]) -> [String: Int] {
    KeyLine.lines(bytes).reduce(into: [:]) { counts, line in
      if let key = line.key { counts[key.subject, default: 0] += 1 }
    }
  }

  /// Nil where ssh-keygen finds nothing, or is not there.
  private static func fingerprints(_ bytes: [UInt8]) -> Set<String>? {
    let result = Spawn.runAndWait(
      program, ["-l", "-E", "sha256", "-f", "-"], input: bytes, outputLimit: 8 << 20)
    guard result.succeeded, !result.truncated else { return nil }
    return Set(
      split(result.output[...], at: 0x0a).compactMap { line in
        let words = line.split(separator: 0x20, maxSplits: 2)
        return words.count > 1 ? "key:" + escaped(words[1]) : nil
      })
  }
}
