import ByteText
import Grants
import Sources
import Testing

/// Recognition over every recording of a real system, against what truly happened.
///
/// A row of LABELS.tsv that the journal tells of must be told, once, with the right type, subject
/// and object; what is told must belong to a row; what is no event, or stands in no line, must not
/// be told as a change. Prints recall and precision.
@Suite struct CorpusTests {
  /// An event in short: `grant group-member user:bob group:sudo`.
  private func event(_ signal: AccessSignal) -> String {
    let kind = signal.kind?.rawValue ?? "-"
    return "\(signal.type.rawValue) \(kind) \(signal.subject ?? "-") \(signal.object ?? "-")"
  }

  private struct Comparison {
    var required = 0
    /// Rows that the journal tells of and that were not told.
    var missed: [String] = []
    /// Events that are no row's.
    var wrong: [String] = []
    var told: [String]
  }

  private func compare(_ name: String) -> Comparison {
    var comparison = Comparison(told: Samples.recognized(name).map(event))
    var left = comparison.told
    let rows = Samples.labels(name).map { ($0, CorpusExpectation($0, in: name)) }
    for isRequired in [true, false] {
      for (label, expectation) in rows where expectation.isRequired == isRequired {
        if isRequired { comparison.required += 1 }
        let index = left.firstIndex { event in
          expectation.patterns.contains { glob($0, matches: event) }
        }
        if let index {
          left.remove(at: index)
        } else if isRequired {
          comparison.missed.append(label.joined(separator: " | "))
        }
      }
    }
    let allowed = CorpusExpectation.alsoTrue(name)
    comparison.wrong = left.filter { event in !allowed.contains { glob($0, matches: event) } }
    return comparison
  }

  @Test(
    "What the labels say is in the journal is told, and nothing else is", arguments: Samples.names)
  func recording(name: String) throws {
    let comparison = compare(name)
    #expect(comparison.missed.isEmpty, "not told; told are \(comparison.told)")
    #expect(comparison.wrong.isEmpty, "told, but no row")
  }

  @Test("Recall and precision over the whole corpus")
  func figures() {
    let all = Samples.names.map(compare)
    let rows = all.reduce(0) { $0 + $1.required }
    let met = rows - all.reduce(0) { $0 + $1.missed.count }
    let events = all.reduce(0) { $0 + $1.told.count }
    let right = events - all.reduce(0) { $0 + $1.wrong.count }
    print("corpus: recall \(met) of \(rows) labelled lines, precision \(right) of \(events) events")
    #expect(rows > 700 && met == rows && right == events)
  }

  @Test("No line of an unprivileged sender is a trusted change")
  func noForeignTrust() {
    for name in Samples.names {
      for signal in Samples.recognized(name) where signal.trusted && signal.uid != 0 {
        #expect(
          signal.type == .use || signal.type == .denied || signal.type == .set
            || signal.kind == .postgresql,
          "\(name): \(event(signal))")
      }
    }
  }
}
