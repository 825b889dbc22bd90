import Grants
import Testing

/// What the table of the kinds holds, and how it reads.
@Suite struct KindTableTests {
  @Test func everyKindHasARowWithAWordInEachCell() {
    #expect(
      Set(KindPlay.all.map(\.kind) + KindPlay.absent.keys)
        == Set(GrantKind.wellKnown.map(\.rawValue)))
    var row = KindPlay.fileMode
    row.drift = .none("nobody can")
    let record = KindTableRecord()
    record.play(row.kind, .seen) {}
    record.play(row.kind, .residue) { record.noteIssue() }
    let lines = record.text(
      [row, .account], absent: ["account": "no accounts", "other": "no accounts"]
    )
    .split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    let left = String(repeating: " not played", count: KindColumn.crashes.count)
    let empty = String(repeating: " [2]", count: KindColumn.allCases.count)
    #expect(
      lines.dropFirst() == [
        "file-mode live not played not played not played FAILED [1]" + left,
        "account" + empty, "other" + empty,
        "[1] nobody can", "[2] no accounts",
      ])
  }
}
