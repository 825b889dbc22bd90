import Provenance

/// How fast text is read for the changes that it proposes.
enum GrammarSpeed: Benchmark {
  static let name = "grammar"
  static let meaning = """
    Megabytes of text that the grammar of changes reads in a second of processor time: prose with
    code blocks as agents write it, scripts of operations, and text that is nothing but changes of
    access. At least 20 for the three together, weighted as 8 to 1 to 1.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let size = 200_000
    let texts = [
      ("prose with code blocks", GrammarSamples.prose(bytes: size), 8.0),
      ("scripts", "```\n" + GrammarSamples.script(bytes: size) + "```\n", 1.0),
      ("dense commands", "```\n" + GrammarSamples.dense(bytes: size) + "```\n", 1.0),
    ]
    var figures: [Figure] = []
    var spent = 0.0
    for (name, text, weight) in texts {
      var times: [Double] = []
      for _ in 0..<(quick ? 3 : 9) {
        let start = ProcessorTime.ofThread()
        let changes = ChangeGrammar.changes(inText: text)
        times.append(ProcessorTime.ofThread() - start)
        guard !changes.isEmpty else {
          throw BenchError(description: "\(name): no change was found")
        }
      }
      let speed = Double(text.utf8.count) / times.quantile(0.5)
      spent += weight / speed
      figures.append(Figure(name: "grammar, \(name)", value: speed, unit: "MB/s"))
    }
    let overall = 10 / spent
    figures.append(Figure(name: "grammar, overall (20 or more)", value: overall, unit: "MB/s"))
    figures.append(
      Figure(name: "grammar, time of 20 MB", value: 20 / overall, unit: "s", limit: 1))
    return figures
  }
}
