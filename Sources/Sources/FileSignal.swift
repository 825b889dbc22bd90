package import LinuxKit

/// What happened to a watched name; several may have come together.
package struct FileChanges: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Mode, owner, ACL, capability or times.
  package static let attributes = FileChanges(rawValue: 1)
  /// A new file, or a new name of an old one.
  package static let created = FileChanges(rawValue: 2)
  package static let movedIn = FileChanges(rawValue: 4)
  /// Closed after it was open for writing; told of single files only.
  package static let written = FileChanges(rawValue: 8)
  package static let movedOut = FileChanges(rawValue: 16)
  package static let deleted = FileChanges(rawValue: 32)
  /// A folder came with what is in it, of which there may be no signals: all below must be read.
  package static let contents = FileChanges(rawValue: 64)
}

/// What fanotify told of one name.
package struct FileSignal: Sendable {
  /// Absolute on the host, below a watched tree as that was named; outside only with `outside`.
  package var path: [UInt8]
  /// 0 when the process lies in a PID namespace that this one cannot see.
  package var pid: Int32
  /// The process that did it still ran when the signal was made, so that `pid` means it and no other.
  package var alive: Bool
  package var changes: FileChanges
  package var isDirectory: Bool
  /// Set when the name lies outside the trees and the file has further names, which may lie inside.
  package var outside: FileStatus?

  package init(
    path: [UInt8], pid: Int32, alive: Bool, changes: FileChanges, isDirectory: Bool,
    outside: FileStatus? = nil
  ) {
    self.path = path
    self.pid = pid
    self.alive = alive
    self.changes = changes
    self.isDirectory = isDirectory
    self.outside = outside
  }
}
