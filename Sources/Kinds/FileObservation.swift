package import ByteText
package import Grants

/// A file whose mode is not what it was, or that is new with a mode that counts.
package struct FileObservation: Sendable {
  /// From the root of `--root`: `/srv/x`.
  package var path: [UInt8]
  /// The very file, with its handle; all zero when `gone`.
  package var identity: FileIdentity
  package var isDirectory: Bool
  /// The file's group, whose bits the group class is.
  package var group: UInt32
  /// Nil for a file that was not known. Where a file was moved over another, what both had.
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
  /// The mode of the file whose place this one took; nil where none was replaced.
  package var replaced: UInt16? = nil
  /// It was made within the last minute. Where it replaced another, `before` is that one's mode.
  package var isFresh = false
}
