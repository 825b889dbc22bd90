internal import ByteText
internal import Glibc
package import Grants
package import LinuxKit

/// Taking back what a grant gave, from the very file and nothing else.
extension FileModes {
  package enum Restored: Sendable, Equatable {
    /// What the grant gave is gone by our doing; the mode, read again.
    case restored(now: UInt16)
    /// Nothing of it was left; nil when the file is deleted. The mode is that of stat(2).
    case alreadyGone(now: UInt16?)
    /// Another object stands there, which was left alone; or the file cannot be found for certain.
    /// The words say which, and whether the file itself was found elsewhere and treated.
    case drifted(String)
    case failed(SystemError)
  }

  /// Where a file stands now.
  package enum Present: Sendable, Equatable {
    /// `elsewhere` when it does not stand under the name that was asked for.
    case there(mode: UInt16, isDirectory: Bool, elsewhere: Bool)
    case gone
    /// Another object stands under its name, and the file itself cannot be found.
    case drifted(String)
    case failed(SystemError)
  }

  /// Takes back what `before` → `after` gave, except the bits of `keeping`, and keeps every other bit.
  ///
  /// The file is opened by its handle, wherever it was moved, else beneath its tree without
  /// following links, and compared with `identity`. With `dryRun` nothing is changed.
  package func restore(
    object path: [UInt8], identity: FileIdentity?, before: UInt16?, after: UInt16,
    isDirectory: Bool?, keeping: UInt16, dryRun: Bool
  ) -> Restored {
    change(path, identity, isDirectory: isDirectory, dryRun: dryRun) { access in
      let gain = ModeGain(before: before, after: after, isDirectory: access.isDirectory)
      // With the access goes what the same act added beside it, such as the owner's own bits.
      let added = before.map { after & ~$0 & 0o6777 } ?? 0
      let isThere =
        access.effectiveMode & gain.bits & ~keeping != 0
        || (gain.stickyTaken && access.mode & 0o1000 == 0)
      return isThere
        ? access.without((gain.bits | added) & ~keeping, sticky: gain.stickyTaken) : access
    }
  }

  /// The same for what a change of owner, access list or capabilities gave; what `others` gave is
  /// kept. Setuid, setgid and capabilities do not outlive a change of the owner: see `OwnerGain`.
  package func restore(
    object path: [UInt8], identity: FileIdentity?, _ gain: FileGain, keeping others: [FileGain],
    dryRun: Bool
  ) -> Restored {
    change(path, identity, isDirectory: nil, dryRun: dryRun) {
      gain.takenBack(from: $0, keeping: others)
    }
  }

  /// Gives the very file the access that `wanted` makes of what it has now; also where it does not
  /// stand under its name any more, unless `elsewhere` is false.
  func change(
    _ path: [UInt8], _ identity: FileIdentity?, isDirectory: Bool?, dryRun: Bool,
    elsewhere: Bool = true, _ wanted: (FileAccess) -> FileAccess
  ) -> Restored {
    guard let identity else { return .drifted("which file it was is not on record") }
    let named = object(named: path)
    switch original(identity, path, named) {
    case .gone:
      switch named {
      case .absent: return .alreadyGone(now: nil)
      case .other(let what): return .drifted(what)
      case .file: return .drifted("another file stands under its name")
      case .failed(let error): return .failed(error)
      }
    case .unknown(let why): return .drifted(why)
    case .failed(let error): return .failed(error)
    case .found(let file):
      if !elsewhere, !named.isSame(as: file) {
        return .drifted(named.stranger(to: file) ?? "it does not stand under its name any more")
      }
      if let isDirectory, isDirectory != file.status.isDirectory {
        return .drifted("it is no longer the same kind of object")
      }
      let result = takeBack(from: file, dryRun, wanted)
      guard let stranger = named.stranger(to: file) else { return result }
      switch result {
      case .restored, .alreadyGone:
        return .drifted("\(stranger); the file itself was found elsewhere, nothing of it is left")
      case .drifted, .failed: return result
      }
    }
  }

  /// Where the file stands now, without changing anything.
  package func current(path: [UInt8], identity: FileIdentity?) -> Present {
    guard let identity else { return .drifted("which file it was is not on record") }
    let named = object(named: path)
    switch original(identity, path, named) {
    case .found(let file):
      return .there(
        mode: file.status.mode, isDirectory: file.status.isDirectory,
        elsewhere: !named.isSame(as: file))
    case .gone:
      switch named {
      case .absent: return .gone
      case .other(let what): return .drifted(what)
      case .file: return .drifted("another file stands under its name")
      case .failed(let error): return .failed(error)
      }
    case .unknown(let why): return .drifted(why)
    case .failed(let error): return .failed(error)
    }
  }

  /// The group of the very file; nil where it cannot be found.
  package func group(path: [UInt8], identity: FileIdentity?) -> UInt32? {
    guard let identity, case .found(let file) = original(identity, path, object(named: path)) else {
      return nil
    }
    return file.status.gid
  }

  private func takeBack(
    from file: OpenFile, _ dryRun: Bool, _ wanted: (FileAccess) -> FileAccess
  ) -> Restored {
    let descriptor = file.descriptor.raw
    do throws(SystemError) {
      var now = try FileAccess.of(descriptor)
      guard wanted(now) != now else { return .alreadyGone(now: now.mode) }
      if dryRun { return .restored(now: wanted(now).mode) }
      // Whoever gives it again between our look and our change is undone by the next round.
      for _ in 0..<4 {
        let meant = wanted(now)
        try change(descriptor, from: now, to: meant)
        let status = try FileStatus.of(descriptor)
        now = FileAccess(status, try AccessAttributes.of(descriptor))
        remember(status, meant, now)
        if wanted(now) == now { break }
      }
      guard wanted(now) == now else {
        return .failed(SystemError(EBUSY, "take back access", escaped(file.path)))
      }
      return .restored(now: now.mode)
    } catch {
      return .failed(SystemError(error.code, error.context, escaped(file.path)))
    }
  }

  /// An owner first: the kernel changes other things with it. A list sets the mode's bits at once.
  private func change(
    _ descriptor: Int32, from now: FileAccess, to wanted: FileAccess
  ) throws(SystemError) {
    if wanted.uid != now.uid || wanted.gid != now.gid {
      try changeOwner(
        of: descriptor, uid: wanted.uid == now.uid ? nil : wanted.uid,
        gid: wanted.gid == now.gid ? nil : wanted.gid)
      // Only the owner differs.
      return
    }
    if wanted.list != now.list {
      try AccessAttributes.set(.accessList, wanted.listBytes(), of: descriptor)
    }
    if wanted.defaults != now.defaults {
      try AccessAttributes.set(.defaultList, wanted.defaults?.bytes ?? [], of: descriptor)
    }
    if wanted.capabilities != now.capabilities {
      try AccessAttributes.set(.capability, wanted.capabilities?.bytes ?? [], of: descriptor)
    }
    guard wanted.mode != now.mode else { return }
    // With a list a change of the group's bits is one of the mask, which the list has set.
    if try FileStatus.of(descriptor).mode != wanted.mode {
      try changeMode(of: descriptor, to: wanted.mode)
    }
  }

  /// Our own doing is no news. What somebody else gave a moment later is: known is what we meant,
  /// less what the kernel took with it.
  private func remember(_ status: FileStatus, _ meant: FileAccess, _ now: FileAccess) {
    guard let place = baseline.place(status.device) else { return }
    let key = baseline.key(place, status.inode)
    guard let known = baseline.file(key), known.isSame(as: status) else { return }
    var access = meant
    access.mode &= now.mode | ~0o6000
    if now.capabilities == nil { access.capabilities = nil }
    baseline.change(key, known, to: access)
  }

  // MARK: Finding

  private func object(named path: [UInt8]) -> Named {
    guard let tree = trees.first(where: { path.starts(with: $0) && isBelow(path, $0.count) }) else {
      return .absent
    }
    do {
      let top = try SafeOpen.directory(absolute(tree))
      let relative = Array(path.dropFirst(tree.count).drop { $0 == UInt8(ascii: "/") })
      let file = try SafeOpen.open(beneath: top.raw, relative)
      let status = try FileStatus.of(file.raw)
      if status.type == .link { return .other("a link stands under its name") }
      return .file(OpenFile(file, status, path))
    } catch {
      switch error.code {
      case ENOENT, ENOTDIR: return .absent
      case ELOOP, EXDEV: return .other("a link stands in its path")
      default: return .failed(error)
      }
    }
  }

  private func isBelow(_ path: [UInt8], _ length: Int) -> Bool {
    path.count == length || path[length] == UInt8(ascii: "/")
  }

  private func original(_ identity: FileIdentity, _ path: [UInt8], _ named: Named) -> Original {
    if case .file(let file) = named, file.isSame(as: identity) { return .found(file) }
    guard !identity.handle.isEmpty else {
      switch named {
      case .failed(let error): return .failed(error)
      case .absent:
        return .unknown("it left its name, and its file system has no handles to look for it")
      case .other, .file: return .gone
      }
    }
    var looked = false
    var failure: SystemError?
    for place in mountsToSearch(identity) {
      guard let mount = try? SafeOpen.directory(absolute(place)),
        let device = try? FileStatus.of(mount.raw).device
      else { continue }
      do {
        let file = try FileHandle.open(identity.handle, mount: mount.raw)
        let status = try FileStatus.of(file.raw)
        guard status.inode == identity.inode, status.birth == identity.birth else { continue }
        if status.links == 0 { return .gone }
        return .found(OpenFile(file, status, path))
      } catch {
        if error.code != ESTALE, error.code != ENOENT { failure = error }
      }
      if device == identity.device { looked = true }
    }
    if looked, failure == nil { return .gone }
    if let failure { return .failed(failure) }
    return .unknown("its file system is not there")
  }

  /// Folders on the file systems that the file may lie on, the likeliest first.
  private func mountsToSearch(_ identity: FileIdentity) -> [[UInt8]] {
    let (own, others) = (
      baseline.places.filter { $0.device == identity.device }.map(\.path),
      baseline.places.filter { $0.device != identity.device }.map(\.path)
    )
    return own + trees + others
  }
}

private final class OpenFile {
  let descriptor: FileDescriptor
  let status: FileStatus
  let path: [UInt8]

  init(_ descriptor: consuming FileDescriptor, _ status: FileStatus, _ path: [UInt8]) {
    self.descriptor = descriptor
    self.status = status
    self.path = path
  }

  /// Inode numbers are given again; birth times are not, and handles tell even where none is kept.
  func isSame(as identity: FileIdentity) -> Bool {
    guard status.inode == identity.inode, status.birth == identity.birth else { return false }
    if identity.handle.isEmpty { return status.device == identity.device }
    guard let handle = try? FileHandle.of(descriptor.raw) else { return false }
    return handle == identity.handle
  }
}

/// What stands under a name.
private enum Named {
  case absent
  case other(String)
  case file(OpenFile)
  case failed(SystemError)

  func isSame(as file: OpenFile) -> Bool {
    guard case .file(let named) = self else { return false }
    return named.status.inode == file.status.inode && named.status.device == file.status.device
  }

  /// What else stands there than `file`; nil when it is the file, or nothing.
  func stranger(to file: OpenFile) -> String? {
    switch self {
    case .absent, .failed: nil
    case .other(let what): what
    case .file: isSame(as: file) ? nil : "another file stands under its name"
    }
  }
}

private enum Original {
  case found(OpenFile)
  case gone
  case unknown(String)
  case failed(SystemError)
}
