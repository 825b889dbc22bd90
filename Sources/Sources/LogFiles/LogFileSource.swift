internal import ByteText
package import Grants
package import LinuxKit

/// How far a `LogFileSource` came.
package struct LogFileProgress: Sendable {
  /// To go on from after a restart; nil before the file was there.
  package var position: String?
  package var more: Bool
  /// Why lines were lost, where some were.
  package var gap: String?
}

/// A file of JSON lines, followed through rotation by renaming and by truncation.
///
/// Lives on one queue; `process` is called every second or so.
package final class LogFileSource {
  /// Longest line that is read, in bytes.
  private static let longestLine = 1 << 20
  /// Bytes read in one call.
  private static let pieceLimit = 8 << 20

  package let configuration: LogFileConfiguration
  private let mapping: JSONLineMapping
  private var file: LogFile?
  private var position: LogFilePosition?
  private var lines: LineSplitter
  private var passed = 0

  package private(set) var lost = 0
  /// Others than root may write the file: what it says is not believed.
  package private(set) var isOpenToOthers = false

  /// Goes on at `position`, else begins at the file's end.
  package init(_ configuration: LogFileConfiguration, after position: String?) {
    self.configuration = configuration
    mapping = JSONLineMapping(configuration)
    self.position = position.flatMap(LogFilePosition.init(text:))
    lines = LineSplitter(longest: Self.longestLine)
  }

  /// The file is there and open.
  package var isOpen: Bool { file != nil }

  /// Reads what is new, and hands on what it tells. A missing file is none.
  package func process(
    _ body: (AccessSignal) -> Void
  ) throws(SystemError) -> LogFileProgress {
    var gap: String?
    if file == nil { gap = try openFirst() }
    guard let file else { return LogFileProgress(position: position?.text, more: false, gap: gap) }
    var left = Self.pieceLimit
    while left > 0 {
      let status = try file.status()
      guard var here = position else { break }
      if status.size < here.offset {
        gap =
          "\(configuration.path): it was cut while it was read; what was written between is lost"
        here.offset = 0
        start(at: here)
      }
      let piece = try file.read(at: readFrom)
      if piece.isEmpty { break }
      left -= piece.count
      take(piece, isTrusted: isTrusted(status), body)
    }
    if left > 0, try hasSuccessor() {
      // What came between the last reading and the renaming.
      let status = try file.status()
      while case let rest = try file.read(at: readFrom), !rest.isEmpty {
        take(rest, isTrusted: isTrusted(status), body)
      }
      try openCurrent(atEnd: false)
      return LogFileProgress(position: position?.text, more: true, gap: gap)
    }
    if lines.passed > passed {
      gap = "\(configuration.path): a line longer than \(Self.longestLine) bytes was passed over"
      lost += lines.passed - passed
      passed = lines.passed
    }
    return LogFileProgress(position: position?.text, more: left <= 0, gap: gap)
  }

  /// Where the next byte is read: behind what the splitter holds of a line that is not whole.
  private var readFrom: Int64 = 0

  private func start(at position: LogFilePosition) {
    self.position = position
    readFrom = position.offset
    lines = LineSplitter(longest: Self.longestLine, from: position.offset)
    passed = 0
  }

  private func take(
    _ piece: ArraySlice<UInt8>, isTrusted: Bool, _ body: (AccessSignal) -> Void
  ) {
    readFrom += Int64(piece.count)
    let now = Timestamp(microseconds: SystemClock.wall())
    lines.take(piece) { line, next in
      position?.offset = next
      var told: [AccessSignal] = []
      switch configuration.format {
      case .kubernetesAudit: told = KubernetesAudit.signals(line, read: now)
      case .json: told = mapping.signal(line, read: now).map { [$0] } ?? []
      }
      for var signal in told {
        signal.source = configuration.name
        signal.cursor = position?.text ?? ""
        if !isTrusted { signal.trusted = false }
        body(signal)
      }
    }
  }

  private func isTrusted(_ status: FileStatus) -> Bool {
    isOpenToOthers = status.uid != 0 || status.mode & 0o022 != 0
    return !isOpenToOthers
  }

  // MARK: Which file

  private func openFirst() throws(SystemError) -> String? {
    guard let known = position else {
      try openCurrent(atEnd: true)
      return nil
    }
    do throws(SystemError) {
      let current = try LogFile(configuration.path)
      let status = try current.status()
      if known.isIn(status), status.size >= known.offset {
        file = current
        start(at: known)
        return nil
      }
      if let former = rotated(known) {
        file = former
        start(at: known)
        return nil
      }
      file = current
      start(at: LogFilePosition(status, offset: 0))
      return "\(configuration.path): the file that was read last is gone or was cut"
    } catch {
      guard error.code == SystemError.notFound else { throw error }
      // Renamed, and the next one not made yet.
      guard let former = rotated(known) else { return nil }
      file = former
      start(at: known)
      return nil
    }
  }

  private func openCurrent(atEnd: Bool) throws(SystemError) {
    do throws(SystemError) {
      let current = try LogFile(configuration.path)
      let status = try current.status()
      file = current
      start(at: LogFilePosition(status, offset: atEnd ? status.size : 0))
    } catch {
      guard error.code == SystemError.notFound else { throw error }
      file = nil
    }
  }

  /// The name stands for another file now.
  private func hasSuccessor() throws(SystemError) -> Bool {
    guard let position else { return false }
    do throws(SystemError) {
      return !position.isIn(try FileStatus.at(Array(configuration.path.utf8)))
    } catch {
      guard error.code == SystemError.notFound else { throw error }
      return false
    }
  }

  /// The file that was read last, under a name that begins with its own: `audit.log.1`.
  private func rotated(_ known: LogFilePosition) -> LogFile? {
    let path = configuration.path
    guard let slash = path.lastIndex(of: "/") else { return nil }
    let folder = String(path[...slash])
    let name = path[path.index(after: slash)...]
    let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name
    for other in SmallFile.names(in: folder) where other.hasPrefix(stem) && other != name {
      guard let file = try? LogFile(folder + other), let status = try? file.status(),
        known.isIn(status), status.size >= known.offset
      else { continue }
      return file
    }
    return nil
  }
}
