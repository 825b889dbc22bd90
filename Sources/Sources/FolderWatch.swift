internal import ByteText
package import LinuxKit

/// That a name in a watched folder came, was moved in, or was written.
package struct FolderSignal: Equatable, Sendable {
  /// As it was asked for, and the path below it.
  package var folder: [UInt8]
  package var name: [UInt8]
  /// 0 when the process lies in a PID namespace that this one cannot see.
  package var pid: Int32
  /// As `FileSignal` has it.
  package var alive: Bool
}

/// Watches what is put into folders, through fanotify: by a mark on each, so that nothing else on
/// their file systems costs anything. Confined to the queue of its owner.
///
/// A folder that is missing is picked up when it appears; what cannot be marked is left out until
/// the next `refresh`.
package final class FolderWatch {
  /// A folder to watch: an absolute path on the host, in which links are followed.
  package struct Folder: Hashable, Sendable {
    package var path: [UInt8]
    /// Its own folders are watched as well, one level down.
    package var isDeep: Bool

    package init(path: [UInt8], isDeep: Bool) {
      self.path = path
      self.isDeep = isDeep
    }
  }

  private struct Place: Hashable {
    var real: [UInt8]
    var folder: Folder
  }

  /// Events that the kernel dropped, or that did not read as events.
  package private(set) var losses = 0

  private let group: FanotifyGroup
  private var folders: [Folder] = []
  private var places: [Place] = []
  private var missing: [Folder] = []
  /// A folder on each mount that they lie on, by the id of its file system.
  private var mounts: [UInt64: [[UInt8]]] = [:]
  private var buffer = [UInt8](repeating: 0, count: 16_384)
  private var batch: [FanotifyEvent] = []

  private static let marked =
    FanotifyEvent.created | FanotifyEvent.movedTo | FanotifyEvent.modified
    | FanotifyEvent.closedWritten | FanotifyEvent.onDirectory
  private static let arrivals =
    FanotifyEvent.created | FanotifyEvent.movedTo | FanotifyEvent.onDirectory
  /// Names that are told of a folder that came with what is in it.
  private static let mostInside = 256

  /// Starts to watch.
  package init(_ folders: [Folder]) throws(SystemError) {
    group = try FanotifyGroup()
    watch(folders)
  }

  deinit { close() }

  /// Readable when `read` has something to read.
  package var descriptor: Int32 { group.descriptor }

  /// Watches these folders, as they are now. Marks of folders that are no more among them stay.
  package func watch(_ folders: [Folder]) {
    self.folders = folders
    places = []
    missing = []
    mounts = [:]
    let table = Mount.all().map(\.path).sorted { $0.count > $1.count }
    for folder in folders {
      do throws(SystemError) {
        try mark(folder, table)
      } catch {
        missing.append(folder)
        markAncestor(of: folder.path, table)
      }
    }
  }

  /// Takes one batch from the kernel; false when nothing was there.
  package func read() throws(SystemError) -> Bool {
    close()
    let count = try group.read(into: &buffer)
    guard count > 0 else { return false }
    let parsed = buffer.withUnsafeBytes {
      FanotifyEvent.parse(UnsafeRawBufferPointer(rebasing: $0[..<count]))
    }
    batch = parsed.events
    if parsed.damaged { losses += 1 }
    return true
  }

  /// Makes signals of the batch that `read` took, in order.
  package func signals(_ body: (FolderSignal) -> Void) {
    let batch = self.batch
    self.batch = []
    let alive = settle(pidfds: batch.map(\.pidfd))
    var paths = FolderPaths(mounts: mounts)
    for (event, alive) in zip(batch, alive) {
      if event.mask & FanotifyEvent.overflow != 0 {
        losses += 1
        continue
      }
      for path in paths.paths(of: event) { tell(path, event, alive, body) }
    }
  }

  private func close() {
    if !batch.isEmpty { _ = settle(pidfds: batch.map(\.pidfd)) }
    batch = []
  }

  private func tell(
    _ path: [UInt8], _ event: FanotifyEvent, _ alive: Bool, _ body: (FolderSignal) -> Void
  ) {
    func tell(_ place: Place, _ path: [UInt8]) {
      guard path.count > place.real.count + 1, path[place.real.count] == 0x2f,
        path.starts(with: place.real)
      else { return }
      let name = Array(path[(place.real.count + 1)...])
      let slashes = name.count { $0 == 0x2f }
      guard slashes == 0 || (slashes == 1 && place.folder.isDeep) else { return }
      body(FolderSignal(folder: place.folder.path, name: name, pid: event.pid, alive: alive))
    }
    guard event.mask & FanotifyEvent.onDirectory != 0 else {
      for place in places { tell(place, path) }
      return
    }
    // A folder came: what was put into it before it was marked came by the same hand.
    let known = Set(places)
    if missing.contains(where: { $0.path.starts(with: path) }) { watch(folders) }
    for place in places {
      let isNew = !known.contains(place)
      guard isNew || (place.folder.isDeep && path.starts(with: place.real + [0x2f])) else {
        continue
      }
      if !isNew { markFolder(path) }
      for inside in contents(of: isNew ? place.real : path, deep: isNew && place.folder.isDeep) {
        tell(place, inside)
      }
    }
  }

  // MARK: Marking

  private func mark(_ folder: Folder, _ table: [[UInt8]]) throws(SystemError) {
    let opened = try SafeOpen.directory(folder.path)
    let real = try pathOf(descriptor: opened.raw)
    try group.markDirectory(opened.raw, Self.marked)
    remember(opened, real, table)
    places.append(Place(real: real, folder: folder))
    guard folder.isDeep else { return }
    _ = try? TreeWalk.walk(opened, path: real) { entry in
      if entry.status.isDirectory { markFolder(entry.path) }
      return .over
    }
  }

  private func markFolder(_ path: [UInt8]) {
    guard let opened = try? SafeOpen.directory(path) else { return }
    try? group.markDirectory(opened.raw, Self.marked)
  }

  /// Handles lead back to paths through any folder of their mount: one for each is enough.
  private func remember(
    _ folder: borrowing FileDescriptor, _ real: [UInt8], _ table: [[UInt8]]
  ) {
    let id = (try? FileSystemID.of(folder.raw))?.id ?? 0
    let mount = table.first { $0 == [0x2f] || $0 == real || real.starts(with: $0 + [0x2f]) } ?? real
    if mounts[id]?.contains(mount) != true { mounts[id, default: []].append(mount) }
  }

  /// Asks for news in the nearest folder that is there.
  private func markAncestor(of missing: [UInt8], _ table: [[UInt8]]) {
    var path = missing
    while let slash = path.lastIndex(of: 0x2f), path.count > 1 {
      path = slash == 0 ? [0x2f] : Array(path[..<slash])
      guard let folder = try? SafeOpen.directory(path) else { continue }
      if (try? group.markDirectory(folder.raw, Self.arrivals)) != nil,
        let real = try? pathOf(descriptor: folder.raw)
      {
        remember(folder, real, table)
      }
      return
    }
  }

  private func contents(of path: [UInt8], deep: Bool) -> [[UInt8]] {
    guard let folder = try? SafeOpen.directory(path) else { return [] }
    var found: [[UInt8]] = []
    _ = try? TreeWalk.walk(folder, path: path) { entry in
      guard found.count < Self.mostInside else { return .stop }
      if !entry.status.isDirectory { found.append(entry.path) }
      return deep && entry.parentPath == path ? .into : .over
    }
    return found
  }
}
