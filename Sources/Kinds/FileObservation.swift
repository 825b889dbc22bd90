package import ByteText
package import Grants

/// A file whose mode, owner, access list or capabilities are not what they were, or that is new
/// with what counts.
package struct FileObservation: Sendable {
  /// From the root of `--root`: `/srv/x`.
  package var path: [UInt8]
  /// The very file, with its handle; all zero when `gone`.
  package var identity: FileIdentity
  package var isDirectory: Bool
  /// The file's group, whose bits the group class is.
  package var group: UInt32
  /// The mode, with what an access list really gives the file's group in the group's place. Nil for
  /// a file that was not known. Where a file was moved over another, what both had.
  package var before: UInt16?
  /// 0 when `gone`.
  package var after: UInt16
  package var gain: ModeGain
  /// When the file's status changed last (ctime).
  package var changed: Timestamp
  /// Bits that count were taken away, or all of them were when `gone`.
  package var narrowed: Bool
  /// Nothing stands under this name any more. The file may live on under another name:
  /// `FileModes.current` says so.
  package var gone: Bool
  /// All of it now; nil when `gone`.
  package var access: FileAccess?
  /// What the file itself gave when it was last seen; nil for one that was not known.
  package var former: FileAccess?
  /// What the file itself gained in other kinds than modes. What its maker does is none.
  package var ownGains: [FileGain] = []
  /// What the file gave whose place this one took; nil where none was replaced.
  package var replaced: FileAccess? = nil
  /// It was made within the last minute. Where it replaced another, `before` is that one's mode.
  package var isFresh = false

  /// What is gained in other kinds than modes: beside the file that was replaced, and of its own.
  package func gains(beside replaced: FileAccess?) -> [FileGain] {
    guard let replaced, let access else { return ownGains }
    let gains = FileGain.gains(from: replaced, to: access)
    // Made for this place, it counts beside the one that stood there only.
    if isFresh { return gains }
    return gains
      + ownGains.filter { own in !gains.contains { $0.kind == own.kind && $0.who == own.who } }
  }
}
