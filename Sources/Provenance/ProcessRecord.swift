import LinuxKit

/// One process of this boot: a pid alone comes again.
package struct ProcessKey: Hashable, Sendable {
  package var pid: Int32
  /// Ticks since boot (/proc/PID/stat), within two ticks where it comes from a process event;
  /// 0 when unknown.
  package var start: UInt64

  package init(pid: Int32, start: UInt64) {
    self.pid = pid
    self.start = start
  }
}

/// What is known of one process. Its ancestors live as long as it does, the dead ones too.
final class ProcessRecord {
  /// How the process came to be known, and so what its parent is worth.
  enum Origin {
    /// By its FORK event: the parent made it.
    case forked
    /// It was there when the table was started; the parent is what /proc said then.
    case before
    /// Found in /proc later; the parent is what /proc said then.
    case found
  }

  let key: ProcessKey
  var origin: Origin
  var parent: ProcessRecord?
  /// Why nothing is known above this process; nil when `parent` is right, or it is the first.
  var hole: String?
  /// Dead ancestors left out between this one and `parent`.
  var elided = 0
  var depth: Int
  var image: ProcessImage
  /// The process got its image by its own exec, or it was found with it: not as a fork's copy.
  var ownsImage: Bool
  /// Images with marks of agents that this process had before its last exec.
  var former: [ProcessImage] = []
  var uid: UInt32?
  var effectiveUID: UInt32?
  var loginUID: UInt32?
  var auditSession: UInt32?
  var group: Int32 = 0
  var session: Int32 = 0
  var controlGroup: [UInt8]?
  /// When it ended, in microseconds of CLOCK_BOOTTIME.
  var exited: Int64?
  /// When a change was last attributed to it from /proc, in microseconds of CLOCK_BOOTTIME.
  var shown: Int64?

  init(_ key: ProcessKey, origin: Origin, image: ProcessImage) {
    self.key = key
    self.origin = origin
    self.image = image
    ownsImage = origin != .forked
    depth = 1
  }

  /// A child that `parent` forked: like it in all things.
  init(_ key: ProcessKey, forkedBy parent: ProcessRecord) {
    self.key = key
    origin = .forked
    self.parent = parent
    depth = parent.depth + 1
    image = parent.image
    ownsImage = false
    uid = parent.uid
    effectiveUID = parent.effectiveUID
    loginUID = parent.loginUID
    auditSession = parent.auditSession
    group = parent.group
    session = parent.session
    controlGroup = parent.controlGroup
  }

  /// The most images with marks that are remembered of one process.
  private static let mostFormer = 4

  func take(_ image: ProcessImage) {
    if ownsImage, !self.image.hits.isEmpty, former.count < Self.mostFormer {
      former.append(self.image)
    }
    self.image = image
    ownsImage = true
  }

  /// Remembers marks of an image that was read again.
  func takeMarks(of image: ProcessImage) {
    let known = hits
    guard image.hits.contains(where: { !known.contains($0) }) else { return }
    former.append(image)
    if former.count > Self.mostFormer { former.removeFirst() }
  }

  /// Forgets what it was before, where nothing but such hints told of an agent.
  func forgetHints(where isOver: (AgentHit) -> Bool) {
    former.removeAll { image in
      !image.hits.isEmpty && image.hits.allSatisfy { $0.key == "Hint" && isOver($0) }
    }
  }

  /// True when `start` of /proc is this process's, as far as two clocks' rounding tells.
  func started(at start: UInt64) -> Bool {
    key.start > start ? key.start - start <= 2 : start - key.start <= 2
  }

  /// What it takes in memory, about; the image of another, which a fork shares, is not its own.
  var bytes: Int {
    former.reduce(ownsImage ? 512 + image.bytes : 512) { $0 + $1.bytes }
  }

  var hits: [AgentHit] { former.flatMap(\.hits) + image.hits }

  /// The longest chain that is kept whole.
  static let deepest = 128

  /// Leaves out dead ancestors in the middle of a chain that grew beyond `deepest`: the nearest
  /// and the farthest stay, and of those between the ones that first bear an agent's mark.
  func shorten() {
    guard depth > Self.deepest else { return }
    var chain: [ProcessRecord] = []
    var next: ProcessRecord? = self
    while let record = next {
      chain.append(record)
      next = record.parent
    }
    let kept = Self.deepest / 4
    if chain.count > Self.deepest {
      var agents = Set(chain.suffix(kept).flatMap { $0.hits.map(\.agent) })
      var child = chain[kept - 1]
      var skipped = 0
      var stays: [(ProcessRecord, new: Bool)] = []
      for record in chain[kept..<(chain.count - kept)].reversed() {
        let new = record.hits.contains { agents.insert($0.agent).inserted }
        stays.append((record, new))
      }
      for (record, new) in stays.reversed() {
        guard new else {
          skipped += 1 + record.elided
          continue
        }
        child.parent = record
        child.elided += skipped
        child = record
        skipped = 0
      }
      child.parent = chain[chain.count - kept]
      child.elided += skipped
    }
    var depth = 0
    var kin: [ProcessRecord] = []
    next = self
    while let record = next {
      kin.append(record)
      next = record.parent
    }
    for record in kin.reversed() {
      depth += 1
      record.depth = depth
    }
  }
}

extension ProcessKey {
  /// True when both are one process, as far as two clocks' rounding tells.
  package func isSame(as other: ProcessKey) -> Bool {
    pid == other.pid && (start > other.start ? start - other.start : other.start - start) <= 2
  }

  /// True when it began before `up` (CLOCK_BOOTTIME, microseconds), or a second later at the most: the
  /// wall's clock, by which lines are dated, is not that exact.
  package func begins(before up: Int64) -> Bool {
    Int64(clamping: start) <= (up + 1_000_000) / Self.tick
  }

  /// When it began, in microseconds of CLOCK_BOOTTIME; 0 when unknown.
  var began: Int64 {
    Int64(clamping: start).multipliedReportingOverflow(by: Self.tick).partialValue
  }

  private static let tick = Int64(1_000_000 / ProcessFiles.ticksPerSecond)
}
