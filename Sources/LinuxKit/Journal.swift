internal import ByteText
internal import CLinux
internal import Glibc

/// Where journal files are.
package enum JournalPlace: Sendable, Equatable {
  /// This host's own journal, all users'.
  case host
  /// A folder of journal files, or of folders named by machine ids.
  case directory(String)
  case files([String])

  /// The paths of the journal files there; see systemd-journald.service(8).
  package var paths: [String] {
    switch self {
    case .files(let paths): return paths
    case .directory(let path):
      let inside = SmallFile.names(in: path).filter { $0.utf8.count == 32 }
      return ([path] + inside.map { "\(path)/\($0)" }).flatMap(Self.journals)
    case .host:
      guard let id = try? SmallFile.read("/etc/machine-id") else { return [] }
      let machine = String(decoding: id.prefix(32), as: UTF8.self)
      return ["/var/log/journal/", "/run/log/journal/"].flatMap { Self.journals($0 + machine) }
    }
  }

  private static func journals(_ folder: String) -> [String] {
    SmallFile.names(in: folder)
      .filter { $0.hasSuffix(".journal") || $0.hasSuffix(".journal~") }
      .map { "\(folder)/\($0)" }
  }
}

/// What sd_journal_process(3) says has happened.
package enum JournalChange: Sendable, Equatable {
  case nothing, appended
  /// Files came or went; the handle is better made anew.
  case invalidated
}

/// A reading handle on the journal; see sd-journal(3). For one thread at a time.
package final class Journal {
  private let handle: OpaquePointer
  /// Becomes readable when something is new; then `process()` must be called.
  package let descriptor: Int32

  /// Opens the journal and its watch: what is written from here on wakes `descriptor`.
  package init(_ place: JournalPlace) throws(SystemError) {
    var opened: OpaquePointer?
    let result: Int32
    let name: String
    switch place {
    case .host:
      name = "journal"
      result = sd_journal_open(&opened, Int32(SD_JOURNAL_LOCAL_ONLY))
    case .directory(let path):
      name = path
      result = sd_journal_open_directory(&opened, path, 0)
    case .files(let paths):
      name = paths.first ?? "journal"
      let copies = paths.map { strdup($0) }
      var pointers = copies.map { UnsafePointer<CChar>($0) } + [nil]
      result = sd_journal_open_files(&opened, &pointers, 0)
      copies.forEach { free($0) }
    }
    guard result >= 0, let opened else { throw SystemError(-result, "open journal", name) }
    handle = opened
    // Files given by name are not watched.
    descriptor = sd_journal_get_fd(opened)
    if case .files = place { return }
    guard descriptor >= 0 else {
      sd_journal_close(opened)
      throw SystemError(-descriptor, "watch journal", name)
    }
  }

  deinit { sd_journal_close(handle) }

  /// Adds `FIELD=value` to what is asked for: values of one field are alternatives, fields must all
  /// match, `addDisjunction` begins another set of them.
  package func addMatch(_ field: String, _ value: String) throws(SystemError) {
    let match = "\(field)=\(value)"
    try check(sd_journal_add_match(handle, match, 0), "match journal", match)
  }

  package func addDisjunction() throws(SystemError) {
    try check(sd_journal_add_disjunction(handle), "match journal")
  }

  package func seek(cursor: String) throws(SystemError) {
    try check(sd_journal_seek_cursor(handle, cursor), "seek in journal", cursor)
  }

  /// To the first entry at or after this moment, microseconds since 1970.
  package func seek(realtime: Int64) throws(SystemError) {
    try check(
      sd_journal_seek_realtime_usec(handle, UInt64(max(0, realtime))), "seek in journal")
  }

  /// Steps to the next entry; false at the end. EBADMSG: an entry is damaged.
  package func next() throws(SystemError) -> Bool {
    let result = sd_journal_next(handle)
    try check(result, "read journal")
    return result > 0
  }

  /// Looks whether files came or were written, which the handle otherwise learns at wake-ups only.
  package func prime() throws(SystemError) {
    try check(sd_journal_wait(handle, 0), "watch journal")
  }

  package func process() throws(SystemError) -> JournalChange {
    let result = sd_journal_process(handle)
    try check(result, "watch journal")
    if result == Int32(SD_JOURNAL_INVALIDATE) { return .invalidated }
    return result == Int32(SD_JOURNAL_APPEND) ? .appended : .nothing
  }

  /// True when the current entry is the one `cursor` names.
  package func isAt(_ cursor: String) -> Bool { sd_journal_test_cursor(handle, cursor) > 0 }

  /// The name of the current entry's place.
  package func cursor() throws(SystemError) -> JournalCursor {
    var text: UnsafeMutablePointer<CChar>?
    try check(sd_journal_get_cursor(handle, &text), "read journal")
    defer { free(text) }
    return text.map { JournalCursor($0) } ?? JournalCursor("")
  }

  /// When journald stored the current entry, microseconds since 1970.
  package func realtime() throws(SystemError) -> Int64 {
    var time: UInt64 = 0
    try check(sd_journal_get_realtime_usec(handle, &time), "read journal")
    return Int64(clamping: time)
  }

  /// Bytes on disk of the files that are being read. sd_journal_next(3) lets go of a file that it
  /// finds damaged without a word: then this shrinks.
  package func usage() throws(SystemError) -> UInt64 {
    var bytes: UInt64 = 0
    try check(sd_journal_get_usage(handle, &bytes), "read journal")
    return bytes
  }

  /// When the first and the last entry were stored, as the heads of the files say; microseconds since
  /// 1970, nil when there is no entry.
  package func span() throws(SystemError) -> (from: Int64, to: Int64)? {
    var from: UInt64 = 0
    var to: UInt64 = 0
    let result = sd_journal_get_cutoff_realtime_usec(handle, &from, &to)
    try check(result, "read journal")
    return result > 0 ? (Int64(clamping: from), Int64(clamping: to)) : nil
  }

  /// Every field of the current entry, as `NAME=value`, valid within `body`; long values cut at
  /// 64 KiB, at most 512 fields. What is damaged or too new to be read is left out.
  package func fields(_ body: (UnsafeRawBufferPointer) -> Void) {
    sd_journal_restart_data(handle)
    for _ in 0..<512 {
      var data: UnsafeRawPointer?
      var length = 0
      let result = sd_journal_enumerate_available_data(handle, &data, &length)
      guard result > 0, let data else { return }
      body(UnsafeRawBufferPointer(start: data, count: min(length, 64 << 10)))
    }
  }

  private func check(
    _ result: Int32, _ context: String, _ object: String = ""
  ) throws(SystemError) {
    if result < 0 { throw SystemError(-result, context, escaped(Array(object.utf8))) }
  }
}

extension SystemError {
  /// True for EBADMSG: what was read is damaged.
  package var isDamage: Bool { code == EBADMSG }
}
