internal import ByteText
internal import Grants
internal import LinuxKit

/// Comparing a file with what was last seen of it.
extension FileModes {
  /// Compares a file with what was last seen of it and of its name, then remembers it.
  func take(_ place: Place, replaces: Bool = true, _ body: (FileObservation) -> Void) {
    let (own, other) = remember(place)
    let access = place.access(else: own?.access)
    if own == nil { noteMaker(of: place) }
    let replaced =
      replaces && other?.access.isDirectory == place.isDirectory ? other?.access : nil
    if own?.access == access, replaced == nil { return }
    var before = own?.access.effectiveMode
    if let mode = replaced?.effectiveMode {
      // Editors and sed(1) write a file of their own, closed at first, and put it in place.
      before = isFresh(place) ? mode : before.map { $0 & mode } ?? mode
    }
    var gains = FileGain.gains(from: own?.access, to: access)
    var observation = FileObservation(place, access, before: before, isFresh: isFresh(place))
    if replaced != nil {
      forgetMaker(of: place)
    } else if isMaker(of: place) {
      gains.removeAll { $0.kind != .fileCapability }
      let born = ModeGain(before: nil, after: observation.after, isDirectory: place.isDirectory)
      if born.isEmpty { observation.gain = born }
    }
    observation.former = own?.access
    observation.ownGains = gains
    if !place.isDirectory { observation.replaced = replaced }
    let isNarrower = own.map { $0.access.differsBesideMode(from: access) } ?? false
    if replaced == nil, observation.gain.isEmpty, !observation.narrowed, gains.isEmpty, !isNarrower
    {
      return
    }
    report(place, observation, body)
  }

  // MARK: Making files

  /// What the process that makes a file does to its mode, its owner and its list is part of the
  /// making, as it is with mkstemp(3), install(1), tar(1), dpkg(1) and editors: it could have made it
  /// so at once.
  private func noteMaker(of place: Place) {
    guard let acting, acting.creates, acting.pid > 0, isFresh(place) else { return }
    if makers.new.count >= 4096 { makers = (old: makers.new, new: [:]) }
    makers.new[key(of: place)] = acting.pid
  }

  /// A file that took another's place is that one for whoever uses it.
  private func forgetMaker(of place: Place) {
    let key = key(of: place)
    makers.old[key] = nil
    makers.new[key] = nil
  }

  private func isMaker(of place: Place) -> Bool {
    guard let acting, acting.pid > 0, isFresh(place) else { return false }
    let key = key(of: place)
    return (makers.new[key] ?? makers.old[key]) == acting.pid
  }

  /// True when the file was made within the last minute.
  private func isFresh(_ place: Place) -> Bool {
    let age = SystemClock.wall() - place.status.birth / 1000
    return place.status.birth > 0 && age >= 0 && age < 60_000_000
  }

  /// A file as it was last seen.
  struct Known {
    let file: KnownFile
    let access: FileAccess
  }

  private func known(_ key: UInt64) -> Known? {
    guard let file = baseline.file(key) else { return nil }
    return Known(file: file, access: baseline.access(of: file))
  }

  /// Remembers a file; what was known of it, and of another that stood under its name.
  @discardableResult
  func remember(_ place: Place) -> (own: Known?, other: Known?) {
    let key = self.key(of: place)
    let former = known(key)
    let known = former.flatMap { $0.file.isSame(as: place.status) ? $0 : nil }
    let attributes = place.attributes ?? known?.access.attributes ?? AccessAttributes()
    // What is mounted over a folder does not replace it.
    guard let parent = place.parent,
      !place.isDirectory || parent.device == place.status.device
    else {
      baseline.remember(key, place.status, attributes, name: nil)
      return (known, nil)
    }
    let entry = baseline.key(
      folder: folderKey(parent, place.parentPath), birth: parent.birth, name: place.name)
    var other: Known?
    if let previous = baseline.file(named: entry) {
      if previous != key {
        other = self.known(previous)
        if other?.file.hasMoreNames == false { baseline.files.remove(previous) }
      } else if known == nil {
        // The number of the one that stood here was given again at once.
        other = former
      }
    }
    baseline.remember(key, place.status, attributes, name: entry)
    if place.status.links > 1, !place.isDirectory, paths.count < Self.pathsKept {
      paths[key] = place.path
    }
    return (known, other)
  }

  private func key(of place: Place) -> UInt64 {
    let device = place.isDirectory ? place.status.device : place.parent?.device
    let number = baseline.place(
      device ?? place.status.device, place.isDirectory ? place.path : place.parentPath)
    return baseline.key(number, place.status.inode)
  }

  private func folderKey(_ status: FileStatus, _ path: [UInt8]) -> UInt64 {
    if let folder, folder.inode == status.inode, folder.device == status.device {
      return folder.key
    }
    let key = baseline.key(baseline.place(status.device, path), status.inode)
    folder = (key, status.device, status.inode)
    return key
  }

  /// Opens the file, so that handle, identity and access belong together, and tells of it.
  func report(
    _ place: Place, _ observation: FileObservation, _ body: (FileObservation) -> Void
  ) {
    guard let file = try? SafeOpen.open(beneath: place.directory, place.name),
      let status = try? FileStatus.of(file.raw), status.inode == place.status.inode,
      status.device == place.status.device
    else { return }
    var observation = observation
    observation.identity = FileIdentity(
      device: status.device, inode: status.inode, birth: status.birth,
      handle: (try? FileHandle.of(file.raw)) ?? [])
    observation.changed = Timestamp(microseconds: status.changed)
    body(observation)
  }
}

extension FileObservation {
  /// Without the file's handle.
  init(_ place: Place, _ access: FileAccess, before: UInt16?, isFresh: Bool) {
    let after = access.mode(since: before)
    self.init(
      path: place.path,
      identity: FileIdentity(
        device: place.status.device, inode: place.status.inode, birth: place.status.birth),
      isDirectory: place.isDirectory, group: access.gid, before: before, after: after,
      gain: ModeGain(before: before, after: after, isDirectory: place.isDirectory),
      changed: Timestamp(microseconds: place.status.changed),
      narrowed: before.map {
        narrowing(from: $0, to: after, isDirectory: place.isDirectory)
      } ?? false,
      gone: false, access: access, isFresh: isFresh)
  }
}
