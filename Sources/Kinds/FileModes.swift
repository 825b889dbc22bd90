internal import ByteText
internal import Glibc
package import Grants
package import LinuxKit

/// The kinds of file grants: permission bits, owners, access control lists and capabilities below
/// watched trees, compared with what was last seen.
///
/// Confined to the engine's queue. What is on disk decides; a signal only says where to look.
package final class FileModes {
  /// The path of `--root`, without a slash at the end; empty for the host's own root.
  let root: [UInt8]
  /// As configured, from the root, without a slash at the end; none lies within another.
  let trees: [[UInt8]]
  var baseline = FileBaseline()
  /// A name below the trees of files with several names.
  var paths: [UInt64: [UInt8]] = [:]
  var lastSearch: Int64 = .min
  var filesAtRescan = 0
  var folder: (key: UInt64, device: UInt64, inode: UInt64)?

  /// Who does what a signal under way tells of.
  var acting: (pid: Int32, creates: Bool)?
  /// The processes that made files a short while ago, by the file.
  var makers: (old: [UInt64: Int32], new: [UInt64: Int32]) = ([:], [:])

  /// A full look is due: something could not be told from signals, or much has gone meanwhile.
  package internal(set) var wantsRescan = false
  /// Folders that the last full look could not read.
  package internal(set) var unread: [(path: [UInt8], error: SystemError)] = []

  static let pathsKept = 4096

  package init(root: [UInt8], trees: [[UInt8]]) {
    self.root = root
    var roots: [[UInt8]] = []
    for tree in trees.map(withoutSlash).sorted(by: { $0.count < $1.count })
    where !roots.contains(where: { lies(tree, in: $0) }) { roots.append(tree) }
    self.trees = roots
  }

  /// How many files are known.
  package var count: Int { baseline.files.count }

  /// How many different owners and attributes they have.
  package var records: Int { baseline.records.count }

  // MARK: Full looks

  /// Takes trees that are not in the baseline yet into it, and reports those of their files that
  /// have setuid, setgid, capabilities or write by everyone.
  package func takeBaseline(standing: (FileObservation) -> Void) {
    unread = []
    for tree in trees where !baseline.trees.contains(tree) {
      baseline.trees.append(tree)
      look(through: tree) { place in
        self.remember(place)
        var observation = FileObservation(
          place, place.access(else: nil), before: nil, isFresh: false)
        observation.ownGains = FileGain.gains(from: nil, to: place.access(else: nil))
        if !observation.gain.isEmpty || !observation.ownGains.isEmpty {
          self.report(place, observation, standing)
        }
      }
    }
    filesAtRescan = count
  }

  /// Looks at everything: after gaps, and at the start with a loaded baseline. Reports each
  /// difference. Files that are gone are forgotten without a word, for their names are not kept.
  package func rescan(_ body: (FileObservation) -> Void) {
    unread = []
    wantsRescan = false
    // What was mounted and is not now would be forgotten, and pass for new when it comes back.
    var whole = findPlaces()
    paths = [:]
    baseline.round ^= 1
    for tree in trees { if !look(through: tree, { self.take($0, body) }) { whole = false } }
    if whole { baseline.forgetUnseen() }
    filesAtRescan = count
  }

  /// Saves the baseline, so that the next start can tell what changed meanwhile.
  package func save(to path: String) throws(FileBaselineError) {
    try baseline.save(to: Array(path.utf8))
  }

  /// Loads what `save` wrote; false when there is nothing. `takeBaseline` then takes in what is new
  /// in the configuration, and `rescan` reports what changed.
  package func load(from path: String) throws(FileBaselineError) -> Bool {
    guard let saved = try FileBaseline.load(from: Array(path.utf8)) else { return false }
    baseline = saved
    paths = [:]
    findPlaces()
    return true
  }

  /// Takes what `before` → `after` gave out of what is remembered of a file. A loaded baseline may
  /// be older than the end of that access; what is there all the same was given again.
  package func forgetGain(of identity: FileIdentity, before: UInt16?, after: UInt16) {
    forget(identity) { access in
      let gain = ModeGain(before: before, after: after, isDirectory: access.isDirectory)
      return access.without(gain.bits, sticky: gain.stickyTaken)
    }
  }

  /// The same for what a change of owner, access list or capabilities gave.
  package func forgetGain(of identity: FileIdentity, _ gain: FileGain) {
    forget(identity) { gain.takenBack(from: $0, keeping: []) }
  }

  private func forget(_ identity: FileIdentity, _ taken: (FileAccess) -> FileAccess) {
    guard let place = baseline.place(identity.device) else { return }
    let key = baseline.key(place, identity.inode)
    guard let known = baseline.file(key), known.wasBorn(at: identity.birth) else { return }
    baseline.change(key, known, to: taken(baseline.access(of: known)))
  }

  /// Numbers of devices change with reboots and mounts; the folders on them do not. False when one
  /// is mounted no more.
  @discardableResult
  private func findPlaces() -> Bool {
    folder = nil
    var all = true
    for index in baseline.places.indices {
      guard let status = try? FileStatus.at(root + baseline.places[index].path, follow: true),
        status.device != baseline.places[index].device
      else { continue }
      if baseline.place(status.device) == nil {
        baseline.places[index].device = status.device
      } else {
        all = false
      }
    }
    return all
  }

  @discardableResult
  private func look(through tree: [UInt8], _ body: (Place) -> Void) -> Bool {
    do {
      let top = try SafeOpen.directory(absolute(tree))
      body(Place(top: top.raw, path: tree.isEmpty ? [slash] : tree, status: try .of(top.raw)))
      return try walk(top, tree, body)
    } catch {
      unread.append((tree, error))
      return error.code == ENOENT
    }
  }

  func walk(
    _ folder: consuming FileDescriptor, _ path: [UInt8], _ body: (Place) -> Void
  ) throws(SystemError) -> Bool {
    let walk = try TreeWalk.walk(folder, path: path) { entry in
      body(Place(entry))
      return .into
    }
    unread += walk.failures
    return walk.failed == 0
  }

  func absolute(_ path: [UInt8]) -> [UInt8] {
    let whole = root + path
    return whole.isEmpty ? [slash] : whole
  }
}
