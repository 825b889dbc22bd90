internal import LinuxKit

/// The paths of folders that events name by handle, each asked for once a batch.
///
/// Nothing is kept longer: folders are renamed, and an open folder would keep a mount busy.
struct FolderPaths {
  private struct Key: Hashable {
    var fileSystem: UInt64
    var handle: [UInt8]
  }

  private final class OpenFolder {
    let descriptor: FileDescriptor
    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
  }

  private let mounts: [UInt64: [[UInt8]]]
  private var opened: [UInt64: [OpenFolder]] = [:]
  private var known: [Key: [[UInt8]]] = [:]

  init(mounts: [UInt64: [[UInt8]]]) { self.mounts = mounts }

  /// The path of the event's object under each watched mount of its file system.
  mutating func paths(of event: FanotifyEvent) -> [[UInt8]] {
    let key = Key(fileSystem: event.fileSystem, handle: event.handle)
    let folders = known[key] ?? resolve(key)
    if event.name.isEmpty || event.name == [0x2e] { return folders }
    return folders.map { $0.last == 0x2f ? $0 + event.name : $0 + [0x2f] + event.name }
  }

  private mutating func resolve(_ key: Key) -> [[UInt8]] {
    var paths: [[UInt8]] = []
    for mount in folders(on: key.fileSystem) {
      guard let object = try? FileHandle.open(key.handle, mount: mount.descriptor.raw),
        let path = try? pathOf(descriptor: object.raw), !paths.contains(path)
      else { continue }
      let gone = path.suffix(10).elementsEqual(" (deleted)".utf8)
      if gone, (try? FileStatus.of(object.raw))?.links == 0 { continue }
      paths.append(path)
    }
    known[key] = paths
    return paths
  }

  private mutating func folders(on fileSystem: UInt64) -> [OpenFolder] {
    if let already = opened[fileSystem] { return already }
    let places = mounts[fileSystem] ?? mounts.values.flatMap { $0 }
    var folders: [OpenFolder] = []
    for place in places {
      if let folder = try? SafeOpen.directory(place) { folders.append(OpenFolder(folder)) }
    }
    opened[fileSystem] = folders
    return folders
  }
}
