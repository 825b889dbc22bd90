package import ByteText
package import LinuxKit

/// The journal as a source of signals: lines of the tools that recognisers know, in order, each
/// once, from a cursor on.
///
/// Lives on one queue. When `descriptor` is readable, call `process` until it says there is no more.
package final class JournalSource {
  private let place: JournalPlace
  private let root: String?
  private let wake: WakeDescriptor
  private var journal: Journal
  private var position: String?
  private let since: Timestamp
  /// Time of the last entry read, where the next search begins if its cursor is gone.
  private var lastTime: Timestamp?
  private var gapAtStart: JournalGap?
  private var damagedInRow = 0
  private var reachedEnd = false
  private var recent = RecentEntries()

  /// How late the last line came from journald, once the past is read.
  package private(set) var lagMilliseconds: Int?
  /// Lines known to be lost: damaged ones, and those that journald says it dropped.
  package private(set) var lost = 0

  /// `directory` nil: this host's own journal. Begins after `cursor`, else at `since`. Signals about
  /// another tree than `root` (a path; empty for the host's) are left out where the line tells it.
  package convenience init(
    directory: String?, after cursor: String?, since: Timestamp, root: [UInt8] = []
  ) throws(SystemError) {
    try self.init(
      place: directory.map { .directory($0) } ?? .host, after: cursor, since: since, root: root)
  }

  package init(
    place: JournalPlace, after cursor: String?, since: Timestamp, root: [UInt8] = []
  ) throws(SystemError) {
    self.place = place
    self.root = root.isEmpty ? nil : escaped(root)
    self.since = since
    position = cursor
    lastTime = cursor.flatMap(Self.time)
    wake = try WakeDescriptor()
    journal = try Self.open(place)
    try wake.replace(with: journal.descriptor)
    try findPosition()
  }

  /// Readable when there may be something new; stays the same for the life of the source. Files
  /// given by name never wake it.
  package var descriptor: Int32 { wake.raw }

  /// Reads at most `limit` entries and hands on what they tell. Stops at a gap, to be recorded
  /// before what comes after it.
  package func process(
    limit: Int, _ body: (AccessSignal) -> Void
  ) throws(SystemError) -> JournalProgress {
    if let gap = gapAtStart {
      gapAtStart = nil
      return JournalProgress(cursor: position, more: true, gap: gap)
    }
    try lookForChanges()
    if let gap = gapAtStart {
      gapAtStart = nil
      return JournalProgress(cursor: position, more: true, gap: gap)
    }
    for _ in 0..<max(1, limit) {
      let found: Bool
      do throws(SystemError) {
        found = try journal.next()
      } catch {
        guard error.isDamage else { throw error }
        if let gap = try skipDamage() {
          return JournalProgress(cursor: position, more: true, gap: gap)
        }
        continue
      }
      guard found else {
        reachedEnd = true
        return JournalProgress(cursor: position, more: false, gap: nil)
      }
      damagedInRow = 0
      if let gap = try readEntry(body) {
        return JournalProgress(cursor: position, more: true, gap: gap)
      }
    }
    return JournalProgress(cursor: position, more: true, gap: nil)
  }

  private static func open(_ place: JournalPlace) throws(SystemError) -> Journal {
    let journal = try Journal(place)
    for identifier in Recognizers.identifiers {
      try journal.addMatch("SYSLOG_IDENTIFIER", identifier)
    }
    try journal.addDisjunction()
    try journal.addMatch("MESSAGE_ID", SuppressedLine.messageID)
    return journal
  }

  private func lookForChanges() throws(SystemError) {
    if case .files = place { return }
    var isStale = false
    do throws(SystemError) {
      isStale = try journal.process() == .invalidated
    } catch {
      isStale = true
    }
    guard isStale else { return }
    journal = try Self.open(place)
    try wake.replace(with: journal.descriptor)
    try journal.prime()
    try findPosition()
  }

  /// Puts the handle behind the last entry read. If that one is gone, it goes to its time and a gap
  /// is noted.
  private func findPosition() throws(SystemError) {
    guard let position else {
      return try journal.seek(realtime: (lastTime ?? since).microseconds)
    }
    var isThere = false
    do throws(SystemError) {
      try journal.seek(cursor: position)
      isThere = try journal.next() && journal.isAt(position)
    } catch {
      // EINVAL: it is no cursor; EBADMSG: it leads into a damaged file.
      guard error.isDamage || error.code == SystemError.invalidArgument else { throw error }
    }
    guard !isThere else { return }
    let from = lastTime ?? since
    try journal.seek(realtime: from.microseconds)
    gapAtStart = JournalGap(
      from: from, to: Timestamp(microseconds: SystemClock.wall()),
      reason: "the journal does not hold the last line read any more")
  }

  private func skipDamage() throws(SystemError) -> JournalGap? {
    lost += 1
    damagedInRow += 1
    guard damagedInRow >= 16 else { return nil }
    damagedInRow = 0
    let now = Timestamp(microseconds: SystemClock.wall())
    let gap = JournalGap(from: lastTime ?? since, to: now, reason: "the journal is damaged")
    try journal.seek(realtime: now.microseconds)
    return gap
  }

  /// The gap that the current entry tells of.
  private func readEntry(_ body: (AccessSignal) -> Void) throws(SystemError) -> JournalGap? {
    let cursor: String
    let stored: Int64
    do throws(SystemError) {
      cursor = try journal.cursor()
      stored = try journal.realtime()
    } catch {
      guard error.isDamage else { throw error }
      lost += 1
      return nil
    }
    position = cursor
    lastTime = Timestamp(microseconds: stored)
    if reachedEnd { lagMilliseconds = Int(max(0, SystemClock.wall() - stored) / 1000) }
    guard recent.isNew(cursor) else { return nil }
    var fields = JournalFields()
    journal.fields { fields.take($0, $1) }
    if let suppressed = SuppressedLine.read(fields) {
      lost += suppressed.count
      return suppressed.gap(at: Timestamp(microseconds: stored))
    }
    guard let signal = signal(fields, cursor: cursor, stored: stored) else { return nil }
    body(signal)
    return nil
  }

  private func signal(_ fields: JournalFields, cursor: String, stored: Int64) -> AccessSignal? {
    guard let (tool, recognition) = Recognizers.recognize(fields) else { return nil }
    if tool != Array("sudo".utf8), recognition.type != .spoof, recognition.root != root {
      return nil
    }
    guard recent.isNew(recognition, fields) else { return nil }
    // journald's stamp of reception; one that lies after its storing says nothing.
    let time = fields.sourceTime.map { $0 <= stored ? $0 : stored } ?? stored
    var signal = AccessSignal(
      cursor: cursor, time: Timestamp(microseconds: time), tool: escaped(tool),
      type: recognition.type, message: escaped((fields.message ?? []).prefix(4096)),
      trusted: recognition.trusted)
    signal.boot = escaped(fields.boot)
    signal.pid = fields.pid ?? 0
    signal.uid = fields.uid ?? .max
    signal.loginUID = fields.loginUID
    signal.session = fields.session
    signal.unit = fields.unit.map { escaped($0) }
    signal.userUnit = fields.userUnit.map { escaped($0) }
    signal.kind = recognition.kind
    signal.subject = recognition.subject
    signal.object = recognition.object
    signal.right = recognition.right
    signal.actorUser = recognition.actorUser
    signal.command = recognition.command
    signal.members = recognition.members
    signal.root = recognition.root
    return signal
  }

  /// The `t=` of a cursor: microseconds since 1970 in hexadecimal.
  private static func time(_ cursor: String) -> Timestamp? {
    for part in cursor.split(separator: ";") where part.hasPrefix("t=") {
      return Int64(part.dropFirst(2), radix: 16).map { Timestamp(microseconds: $0) }
    }
    return nil
  }
}
