package import ByteText
internal import Grants
package import LinuxKit

/// The journal as a source of signals: lines of the tools that recognisers know, in order, each
/// once, from a cursor on.
///
/// Lives on one queue. When `descriptor` is readable, call `process` until it says there is no more.
package final class JournalSource {
  private let place: JournalPlace
  /// What is asked for: the lines of these programs, and advice; nil for advice alone.
  private let identifiers: [String]?
  private var reader: EntryReader
  private let wake: WakeDescriptor
  private var journal: Journal
  private var position: String?
  private let since: Timestamp
  /// Time of the last entry read, where the next search begins if its cursor is gone.
  private var lastTime: Timestamp?
  private var gapAtStart: JournalGap?
  private var damagedInRow = 0
  private var damage: JournalDamage
  /// Where the handle began to read.
  private var readsFrom: Timestamp
  private var reachedEnd = false
  /// How often in a row the end was reached while a line waited for its continuation.
  private var endsWithHeld = 0
  private var recent = RecentEntries()
  private var values = SharedValues()
  private let ownBoot = Array(SystemClock.bootID().utf8)

  /// How late the last line came from journald, once the past is read.
  package private(set) var lagMilliseconds: Int?
  /// Lines known to be lost: damaged ones, and those that journald says it dropped.
  package private(set) var lost = 0

  /// `directory` nil: this host's own journal. `further` recognises lines of the `identifiers` that
  /// are not built in. Begins after `cursor`, else at `since`. Signals about
  /// another tree than `root` (a path; empty for the host's) are left out where the line tells it.
  package convenience init(
    directory: String?, after cursor: String?, since: Timestamp, root: [UInt8] = [],
    identifiers: [String] = [], further: EntryReader.Further? = nil
  ) throws(SystemError) {
    try self.init(
      place: directory.map { .directory($0) } ?? .host, after: cursor, since: since, root: root,
      identifiers: identifiers, further: further)
  }

  package convenience init(
    place: JournalPlace, after cursor: String?, since: Timestamp, root: [UInt8] = [],
    identifiers: [String] = [], further: EntryReader.Further? = nil
  ) throws(SystemError) {
    try self.init(
      place, Recognizers.identifiers + identifiers, after: cursor, since: since, root: root,
      further: further)
  }

  /// The advice in a folder of journal files, and nothing else of them.
  package convenience init(
    adviceIn directory: String, after cursor: String?, since: Timestamp
  ) throws(SystemError) {
    try self.init(.directory(directory), nil, after: cursor, since: since, root: [], further: nil)
  }

  private init(
    _ place: JournalPlace, _ identifiers: [String]?, after cursor: String?, since: Timestamp,
    root: [UInt8], further: EntryReader.Further?
  ) throws(SystemError) {
    self.identifiers = identifiers
    self.place = place
    reader = EntryReader(root: root.isEmpty ? nil : escaped(root), further: further)
    self.since = since
    position = cursor
    lastTime = cursor.flatMap(Self.time)
    readsFrom = lastTime ?? since
    damage = JournalDamage(place)
    wake = try WakeDescriptor()
    journal = try Self.open(place, identifiers)
    try wake.replace(with: journal.descriptor)
    try findPosition()
  }

  /// Readable when there may be something new; stays the same for the life of the source. Files
  /// given by name never wake it.
  package var descriptor: Int32 { wake.raw }

  /// Reads at most `limit` entries and hands on what they tell. Stops at a gap, to be recorded
  /// before what comes after it.
  package func process(
    limit: Int, advice: (JournalAdvice) -> Void = { _ in }, _ body: (AccessSignal) -> Void
  ) throws(SystemError) -> JournalProgress {
    if let gap = gapAtStart {
      gapAtStart = nil
      return progress(more: true, gap)
    }
    try lookForChanges()
    if let gap = gapAtStart {
      gapAtStart = nil
      return progress(more: true, gap)
    }
    for _ in 0..<max(1, limit) {
      let found: Bool
      do throws(SystemError) {
        found = try journal.next()
      } catch {
        guard error.isDamage else { throw error }
        if let gap = try skipDamage() {
          return progress(more: true, gap)
        }
        continue
      }
      guard found else {
        if let gap = findDamage() { return progress(more: true, gap) }
        reachedEnd = true
        letGo(body)
        return progress(more: false)
      }
      damagedInRow = 0
      if let gap = try readEntry(advice, body) {
        return progress(more: true, gap)
      }
    }
    return progress(more: true)
  }

  private func progress(more: Bool, _ gap: JournalGap? = nil) -> JournalProgress {
    JournalProgress(
      cursor: reader.holds ? reader.passed : position, more: more, gap: gap, holds: reader.holds)
  }

  /// At the end nothing more may come for a while: what waited long enough is whole.
  private func letGo(_ body: (AccessSignal) -> Void) {
    guard reader.holds else {
      endsWithHeld = 0
      return
    }
    endsWithHeld += 1
    // Looked for in vain often enough, whatever the clock says.
    if endsWithHeld > 8 { return reader.release(before: nil, body) }
    if case .files = place { return reader.release(before: nil, body) }
    reader.release(before: Timestamp(microseconds: SystemClock.wall()) - Self.patience, body)
  }

  /// How long a line may wait for its continuation, from its storing on: sudo writes them at once.
  private static let patience = TimeSpan(microseconds: 100_000)

  private static func open(
    _ place: JournalPlace, _ identifiers: [String]?
  ) throws(SystemError) -> Journal {
    let journal = try Journal(place)
    try journal.addMatch("MESSAGE_ID", AdviceSubmission.messageID)
    guard let identifiers else { return journal }
    try journal.addMatch("MESSAGE_ID", SuppressedLine.messageID)
    try journal.addDisjunction()
    for identifier in identifiers {
      try journal.addMatch("SYSLOG_IDENTIFIER", identifier)
    }
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
    journal = try Self.open(place, identifiers)
    try wake.replace(with: journal.descriptor)
    try journal.prime()
    try findPosition()
  }

  /// Puts the handle behind the last entry read. If that one is gone, it goes to its time and a gap
  /// is noted.
  private func findPosition() throws(SystemError) {
    damage.begin(journal)
    readsFrom = lastTime ?? since
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
    try journal.seek(realtime: readsFrom.microseconds)
    gapAtStart =
      findDamage()
      ?? JournalGap(
        from: readsFrom, to: Timestamp(microseconds: SystemClock.wall()),
        reason: "the journal does not hold the last line read any more")
  }

  /// A file that the handle let go of.
  private func findDamage() -> JournalGap? {
    let identifiers = identifiers
    let gap = damage.find(journal, since: readsFrom) { place throws(SystemError) in
      try Self.open(place, identifiers)
    }
    if gap != nil { lost += 1 }
    return gap
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
  private func readEntry(
    _ advice: (JournalAdvice) -> Void, _ body: (AccessSignal) -> Void
  ) throws(SystemError) -> JournalGap? {
    let place: JournalCursor
    let stored: Int64
    do throws(SystemError) {
      place = try journal.cursor()
      stored = if let time = place.realtime { time } else { try journal.realtime() }
    } catch {
      guard error.isDamage else { throw error }
      lost += 1
      return nil
    }
    let cursor = place.text
    position = cursor
    lastTime = Timestamp(microseconds: stored)
    if reachedEnd { lagMilliseconds = Int(max(0, SystemClock.wall() - stored) / 1000) }
    guard recent.isNew(realtime: stored, monotonic: place.monotonic ?? 0, cursor: cursor) else {
      return nil
    }
    var fields = JournalFields()
    fields.read(journal, &values)
    // What the daemon itself writes is no news.
    guard fields.pid != OwnProcess.pid || fields.boot != ownBoot else { return nil }
    let time = Timestamp(microseconds: stored)
    if fields.messageID != nil {
      if let suppressed = SuppressedLine.read(fields) {
        lost += suppressed.count
        return suppressed.gap(at: time)
      }
      if let found = fields.advice(in: journal, cursor: cursor, stored: time) { advice(found) }
    }
    reader.take(consume fields, cursor: cursor, stored: time, body)
    return nil
  }

  private static func time(_ cursor: String) -> Timestamp? {
    JournalCursor(cursor).realtime.map { Timestamp(microseconds: $0) }
  }
}
