import Glibc
import Synchronization
import Testing

/// What became of the table's cells in this run, printed when the run ends.
final class KindTableRecord: Sendable {
  /// The run's own, which is printed at its end.
  static let shared: KindTableRecord = {
    atexit { KindTableRecord.shared.print() }
    return KindTableRecord()
  }()

  private struct Place: Hashable {
    var kind: String
    var column: KindColumn
  }

  private struct Cells {
    var played: [Place: Bool] = [:]
    /// The one that is being played; the suite plays one after another.
    var now: Place?
  }

  private let cells = Mutex(Cells())

  /// Plays a cell; an issue meanwhile is the cell's.
  func play(_ kind: String, _ column: KindColumn, _ body: () throws -> Void) rethrows {
    let place = Place(kind: kind, column: column)
    cells.withLock {
      $0.now = place
      $0.played[place] = true
    }
    defer { cells.withLock { $0.now = nil } }
    do {
      try body()
    } catch {
      noteIssue()
      throw error
    }
  }

  func noteIssue() {
    cells.withLock { if let now = $0.now { $0.played[now] = false } }
  }

  /// The table as text: a row for each kind, and below it why a cell is empty.
  func text(_ rows: [KindPlay], absent: [String: String]) -> String {
    let played = cells.withLock { $0.played }
    let columns = KindColumn.allCases
    var notes: [String] = []
    func note(_ reason: String) -> String {
      if !notes.contains(reason) { notes.append(reason) }
      return "[\((notes.firstIndex(of: reason) ?? 0) + 1)]"
    }
    var lines = [["kind"] + columns.map(\.heading)]
    for row in rows {
      lines.append(
        [row.kind]
          + columns.map { column in
            if let reason = absent[row.kind] ?? row.reason(without: column) { return note(reason) }
            switch played[Place(kind: row.kind, column: column)] {
            case true?: return "live"
            case false?: return "FAILED"
            case nil: return "not played"
            }
          })
    }
    for kind in absent.keys.sorted() where !rows.contains(where: { $0.kind == kind }) {
      lines.append([kind] + columns.map { _ in note(absent[kind] ?? "") })
    }
    let widths = lines[0].indices.map { index in lines.map { $0[index].count }.max() ?? 0 }
    let table = lines.map { line in
      zip(line, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }.joined(separator: "  ")
    }
    return (table + notes.enumerated().map { "[\($0.offset + 1)] \($0.element)" })
      .joined(separator: "\n") + "\n"
  }

  private func print() {
    guard cells.withLock({ !$0.played.isEmpty }) else { return }
    let bytes = Array(text(KindPlay.all, absent: KindPlay.absent).utf8)
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
  }
}

extension KindPlay {
  /// Why a column of the row has no play; nil where it has one.
  func reason(without column: KindColumn) -> String? {
    switch column {
    case .residue: if case .none(let reason) = residue { reason } else { nil }
    case .drift: if case .none(let reason) = drift { reason } else { nil }
    default: nil
    }
  }
}
