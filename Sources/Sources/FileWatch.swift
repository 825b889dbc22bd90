internal import ByteText
internal import Glibc
package import LinuxKit

/// Watches trees and single files through fanotify. Confined to the queue of its owner.
///
/// A tree is watched by a mark on each file system that it lies on; where the kernel refuses that
/// (btrfs subvolumes), by a mark on each of its folders. What cannot be watched is in `unmarked`.
package final class FileWatch {
  /// Events that the kernel dropped: after each the state must be read in full.
  package private(set) var overflows = 0
  package private(set) var events = 0
  /// Events that could not be brought to a path, most of them because the folder is gone.
  package private(set) var unresolved = 0
  /// Batches whose end did not read as events; after each the state must be read in full.
  package private(set) var damaged = 0
  /// Trees and files that are not watched, or not wholly, and why; `refresh` tries again.
  package private(set) var unmarked: [(path: [UInt8], error: SystemError)] = []

  private struct Tree {
    /// As configured, and where that leads, without a slash at the end.
    var named: [UInt8]
    var real: [UInt8]
    var byFolder = false
  }

  private let group: FanotifyGroup
  private let namedTrees: [[UInt8]]
  private var namedFiles: [[UInt8]]
  private var trees: [Tree] = []
  /// The real path of a single file, and the path it was asked for by.
  private var files: [[UInt8]: [UInt8]] = [:]
  /// The real path of a single folder, and the path it was asked for by.
  private var folders: [[UInt8]: [UInt8]] = [:]
  /// A folder on each marked mount, by the id of its file system.
  private var mounts: [UInt64: [[UInt8]]] = [:]
  /// A tree or file system was marked that was not before.
  private var fresh = false
  private var buffer = [UInt8](repeating: 0, count: 32_768)
  private var batch: [FanotifyEvent] = []

  private static let inTrees =
    FanotifyEvent.attributes | FanotifyEvent.created | FanotifyEvent.movedTo
    | FanotifyEvent.movedFrom | FanotifyEvent.deleted | FanotifyEvent.onDirectory

  /// Starts to watch. `trees` and `files` are absolute paths on the host; links in them are followed.
  /// A tree or file that is not there yet is noted in `unmarked` and picked up when it appears.
  /// A folder among the files stands for itself and for what is directly in it.
  package init(trees: [[UInt8]], files: [[UInt8]]) throws(SystemError) {
    group = try FanotifyGroup()
    namedTrees = trees.map(withoutSlash)
    namedFiles = files
    mark()
  }

  deinit { close() }

  /// Watches these single files and folders from now on.
  package func watch(files named: [[UInt8]]) {
    guard named != namedFiles else { return }
    let known = Set(namedFiles)
    let gone = known.subtracting(named)
    namedFiles = named
    unmarked.removeAll { gone.contains($0.path) }
    files = files.filter { !gone.contains($0.value) }
    folders = folders.filter { !gone.contains($0.value) }
    for file in named where !known.contains(file) { markParent(of: file) }
  }

  /// Readable when `read` has something to read.
  package var descriptor: Int32 { group.descriptor }

  /// Marks what was mounted or made since the start. True when there is a tree or file system that
  /// was not watched before: the trees must then be read in full.
  @discardableResult
  package func refresh() -> Bool {
    fresh = false
    mark()
    return fresh
  }

  /// Events wait to be read.
  package var hasUnread: Bool { group.hasUnread }

  /// Takes one batch from the kernel; false when nothing was there.
  package func read() throws(SystemError) -> Bool {
    close()
    let count = try group.read(into: &buffer)
    guard count > 0 else { return false }
    let parsed = buffer.withUnsafeBytes {
      FanotifyEvent.parse(UnsafeRawBufferPointer(rebasing: $0[..<count]))
    }
    batch = parsed.events
    if parsed.damaged { damaged += 1 }
    events += batch.count
    return true
  }

  /// Makes signals of the batch that `read` took, in order. Only names in trees or files are told.
  package func signals(_ body: (FileSignal) -> Void) {
    let batch = self.batch
    self.batch = []
    let alive = settle(pidfds: batch.map(\.pidfd))
    var folders = FolderPaths(mounts: mounts)
    for (event, alive) in zip(batch, alive) {
      if event.mask & FanotifyEvent.overflow != 0 {
        overflows += 1
        continue
      }
      let paths = folders.paths(of: event)
      if paths.isEmpty { unresolved += 1 }
      var told = false
      for path in paths where !told { told = tell(path, event, alive, body) }
      if !told, let path = paths.first { tellOfLink(path, event, alive, body) }
    }
  }

  private func close() {
    if !batch.isEmpty { _ = settle(pidfds: batch.map(\.pidfd)) }
    batch = []
  }

  // MARK: Telling

  private func tell(
    _ path: [UInt8], _ event: FanotifyEvent, _ alive: Bool, _ body: (FileSignal) -> Void
  ) -> Bool {
    var changes = FileChanges(mask: event.mask)
    let isDirectory = event.mask & FanotifyEvent.onDirectory != 0
    let arrived = !changes.isDisjoint(with: [.created, .movedIn])
    let known = trees.count
    if arrived, isDirectory, isAwaited(path) { appeared(path, event.pid, alive, body) }
    if let tree = trees.first(where: { isPath(path, in: $0.real) }) {
      if isDirectory, arrived {
        if tree.byFolder { markFolders(path) }
        if tree.byFolder || changes.contains(.movedIn) || trees.count > known {
          changes.insert(.contents)
        }
      }
      let named = tree.named + path.dropFirst(tree.real.count)
      body(
        FileSignal(
          path: named, pid: event.pid, alive: alive, changes: changes, isDirectory: isDirectory))
      return true
    }
    guard let file = named(path) else { return false }
    if isDirectory, arrived { markFolder(file) }
    body(
      FileSignal(
        path: file, pid: event.pid, alive: alive, changes: changes, isDirectory: isDirectory))
    return true
  }

  /// How a path was asked for: by itself, or by the folder that it lies in.
  private func named(_ path: [UInt8]) -> [UInt8]? {
    if let file = files[path] { return file }
    if let folder = folders[path] { return folder }
    let (parent, name) = split(path)
    return folders[parent].map { $0 + [0x2f] + name }
  }

  /// The attributes of a file changed under a name outside: told when it has other names as well.
  private func tellOfLink(
    _ path: [UInt8], _ event: FanotifyEvent, _ alive: Bool, _ body: (FileSignal) -> Void
  ) {
    let changes = FileChanges(mask: event.mask)
    guard changes.contains(.attributes), event.mask & FanotifyEvent.onDirectory == 0,
      !trees.isEmpty, let status = try? FileStatus.at(path), status.links > 1, !status.isDirectory
    else { return }
    body(
      FileSignal(
        path: path, pid: event.pid, alive: alive, changes: changes, isDirectory: false,
        outside: status))
  }

  /// True when something that is missing may lie in a folder of this name.
  private func isAwaited(_ path: [UInt8]) -> Bool {
    let name = split(path).name
    return unmarked.contains { missing in
      namedTrees.contains(missing.path)
        || missing.path.split(separator: 0x2f).contains { $0.elementsEqual(name) }
    }
  }

  /// A folder appeared: a tree or file that was missing may lie there now, and be written already.
  private func appeared(
    _ path: [UInt8], _ pid: Int32, _ alive: Bool, _ body: (FileSignal) -> Void
  ) {
    let known = Set(trees.map(\.named))
    let missing = Set(unmarked.map(\.path))
    let isFresh = refresh()
    let still = Set(unmarked.map(\.path))
    for file in namedFiles where missing.contains(file) && !still.contains(file) {
      body(
        FileSignal(path: file, pid: pid, alive: alive, changes: .created, isDirectory: false))
    }
    guard isFresh else { return }
    for tree in trees where !known.contains(tree.named) && !isPath(path, in: tree.real) {
      body(
        FileSignal(
          path: tree.named, pid: pid, alive: alive, changes: [.created, .contents],
          isDirectory: true))
    }
  }

  // MARK: Marking

  private func mark() {
    unmarked = []
    let table = Mount.all()
    for named in namedTrees { markTree(named, table) }
    for file in namedFiles { markParent(of: file) }
  }

  private func markTree(_ named: [UInt8], _ table: [Mount]) {
    do {
      let folder = try SafeOpen.directory(named.isEmpty ? [0x2f] : named)
      let real = withoutSlash(try pathOf(descriptor: folder.raw))
      let index: Int
      if let known = trees.firstIndex(where: { $0.named == named }) {
        index = known
        trees[index].real = real
      } else {
        index = trees.count
        trees.append(Tree(named: named, real: real))
        fresh = true
      }
      if !markMount(folder, real, named) { trees[index].byFolder = true }
      for mount in table
      where mount.path != real && isPath(mount.path, in: real) && !mount.isKernelView {
        guard let below = try? SafeOpen.directory(mount.path) else { continue }
        if !markMount(below, mount.path, mount.path) { trees[index].byFolder = true }
      }
    } catch {
      unmarked.append((named, error))
      markAncestor(of: named)
    }
  }

  /// True when the whole file system is marked; else its folders are, one by one.
  private func markMount(
    _ folder: borrowing FileDescriptor, _ real: [UInt8], _ named: [UInt8]
  ) -> Bool {
    if remember(folder, real) { fresh = true }
    do {
      try group.markFileSystem(folder.raw, Self.inTrees)
      return true
    } catch {
      // Without handles that lead back to a file (an overlay) its events would lead nowhere.
      let hasHandles = (try? FileHandle.of(folder.raw)) != nil
      guard [EXDEV, EOPNOTSUPP, ENODEV].contains(error.code), hasHandles else {
        unmarked.append((named, error))
        return true
      }
      markFolders(real)
      return false
    }
  }

  @discardableResult
  private func remember(_ folder: borrowing FileDescriptor, _ real: [UInt8]) -> Bool {
    let id = (try? FileSystemID.of(folder.raw))?.id ?? 0
    let path = real.isEmpty ? [0x2f] : real
    if mounts[id]?.contains(path) == true { return false }
    mounts[id, default: []].append(path)
    return true
  }

  /// Marks a folder and each one below; what fails is in `unmarked`, the first 100 of it.
  private func markFolders(_ real: [UInt8]) {
    let mask = Self.inTrees
    func mark(_ folder: borrowing FileDescriptor, _ path: [UInt8]) {
      do {
        try group.markDirectory(folder.raw, mask)
      } catch {
        if unmarked.count < 100 { unmarked.append((path, error)) }
      }
    }
    guard let folder = try? SafeOpen.directory(real.isEmpty ? [0x2f] : real) else { return }
    mark(folder, real)
    _ = try? TreeWalk.walk(folder, path: real) { entry in
      guard entry.status.isDirectory else { return .over }
      if let below = try? SafeOpen.directory(entry.directory, entry.name) {
        mark(below, entry.path)
      }
      return entry.status.device == entry.parent.device ? .into : .over
    }
  }

  /// Marks a single path that is a folder, for what is directly in it.
  private func markFolder(_ path: [UInt8]) {
    guard let folder = try? SafeOpen.directory(path),
      let real = try? withoutSlash(pathOf(descriptor: folder.raw))
    else { return }
    do {
      try group.markDirectory(folder.raw, Self.inTrees | FanotifyEvent.closedWritten)
      remember(folder, real)
      folders[real] = withoutSlash(path)
    } catch {
      unmarked.append((path, error))
    }
  }

  private func markParent(of file: [UInt8]) {
    let (parent, name) = split(file)
    defer { markFolder(file) }
    do {
      let folder = try SafeOpen.directory(parent)
      let real = withoutSlash(try pathOf(descriptor: folder.raw))
      try group.markDirectory(
        folder.raw, Self.inTrees | FanotifyEvent.closedWritten)
      remember(folder, real)
      files[real + [0x2f] + name] = file
    } catch {
      unmarked.append((file, error))
      markAncestor(of: file)
    }
  }

  /// Asks for news in the nearest folder that is there, so that a missing one is seen to appear.
  private func markAncestor(of missing: [UInt8]) {
    var path = missing
    while path.count > 1 {
      path = split(path).parent
      guard let folder = try? SafeOpen.directory(path) else { continue }
      let mask = FanotifyEvent.created | FanotifyEvent.movedTo | FanotifyEvent.onDirectory
      if (try? group.markDirectory(folder.raw, mask)) != nil {
        remember(folder, withoutSlash(path))
      }
      return
    }
  }
}

extension FileChanges {
  init(mask: UInt64) {
    self = []
    if mask & FanotifyEvent.attributes != 0 { insert(.attributes) }
    if mask & FanotifyEvent.created != 0 { insert(.created) }
    if mask & FanotifyEvent.movedTo != 0 { insert(.movedIn) }
    if mask & FanotifyEvent.closedWritten != 0 { insert(.written) }
    if mask & FanotifyEvent.movedFrom != 0 { insert(.movedOut) }
    if mask & FanotifyEvent.deleted != 0 { insert(.deleted) }
  }
}

/// `/srv/` becomes `/srv`, `/` nothing.
private func withoutSlash(_ path: [UInt8]) -> [UInt8] {
  var path = path
  while path.last == 0x2f { path.removeLast() }
  return path
}

/// True for the tree's own path and every path below it; the tree has no slash at its end.
private func isPath(_ path: [UInt8], in tree: [UInt8]) -> Bool {
  path.count == tree.count
    ? path == tree : path.count > tree.count && path[tree.count] == 0x2f && path.starts(with: tree)
}

private func split(_ path: [UInt8]) -> (parent: [UInt8], name: [UInt8]) {
  let path = withoutSlash(path)
  guard let slash = path.lastIndex(of: 0x2f) else { return ([0x2f], path) }
  return (slash == 0 ? [0x2f] : Array(path[..<slash]), Array(path[(slash + 1)...]))
}
