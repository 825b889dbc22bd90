internal import LinuxKit

/// A file as it was met: below an open folder, or the top of a tree.
struct Place {
  let directory: Int32
  let name: [UInt8]
  let parent: FileStatus?
  let parentPath: [UInt8]
  let status: FileStatus
  /// Nil when they cannot be read.
  let attributes: AccessAttributes?

  init(
    directory: Int32, name: [UInt8], parent: FileStatus, parentPath: [UInt8], status: FileStatus
  ) {
    self.directory = directory
    self.name = name
    self.parent = parent
    self.parentPath = parentPath
    self.status = status
    attributes = try? AccessAttributes.of(directory, name)
  }

  init(_ entry: TreeEntry) {
    self.init(
      directory: entry.directory, name: entry.name, parent: entry.parent,
      parentPath: entry.parentPath, status: entry.status)
  }

  init(top: Int32, path: [UInt8], status: FileStatus) {
    directory = top
    name = []
    parent = nil
    parentPath = path
    self.status = status
    attributes = try? AccessAttributes.of(top)
  }

  /// Who may do what with it; what was known last of attributes that cannot be read.
  func access(else known: FileAccess?) -> FileAccess {
    FileAccess(status, attributes ?? known?.attributes ?? AccessAttributes())
  }

  var isDirectory: Bool { status.isDirectory }

  var path: [UInt8] {
    if name.isEmpty { return parentPath }
    return parentPath.last == slash ? parentPath + name : parentPath + [slash] + name
  }
}

/// True when bits that count were taken away.
func narrowing(from before: UInt16, to after: UInt16, isDirectory: Bool) -> Bool {
  let lost = before & ~after & (0o077 | (isDirectory ? 0 : 0o6000))
  return lost != 0 || (isDirectory && before & 0o1000 == 0 && after & 0o1000 != 0)
}

let slash = UInt8(ascii: "/")

func withoutSlash(_ path: [UInt8]) -> [UInt8] {
  var path = path
  while path.last == slash { path.removeLast() }
  return path
}

/// True for the tree's own path and every path below it; the tree has no slash at its end.
func lies(_ path: [UInt8], in tree: [UInt8]) -> Bool {
  path.count == tree.count
    ? path == tree
    : path.count > tree.count && path[tree.count] == slash && path.starts(with: tree)
}
