/// The arguments of `grantwatch-bench`.
struct BenchOptions {
  var json = false
  var quick = false
  var wantsHelp = false
  var only: [String] = []

  static var benchmarks: [any Benchmark.Type] {
    [
      SyncReference.self, ChangeLatency.self, DeadlineLatency.self, ManyItems.self, ManyGrants.self,
      ManyGrantsInTurn.self, ManyFiles.self, IdleCost.self,
      StartWithHistory.self, BinarySize.self, JournalReading.self, AuditParsing.self,
      Burst.self, BurstMemory.self, GrammarSpeed.self, Matching.self, Coincidence.self,
      AttributionSpeed.self, HookAnswer.self,
    ]
  }

  var chosen: [any Benchmark.Type] {
    only.isEmpty
      ? Self.benchmarks.filter { $0.isForAll } : Self.benchmarks.filter { only.contains($0.name) }
  }

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--json": json = true
      case "--quick": quick = true
      case "--help", "-h": wantsHelp = true
      case "--only":
        guard let names = rest.popFirst() else {
          throw BenchError(description: "--only: names expected; see --help")
        }
        only = names.split(separator: ",").map(String.init)
        for name in only where !Self.benchmarks.contains(where: { $0.name == name }) {
          throw BenchError(description: "\(name): unknown benchmark; see --help")
        }
      default: throw BenchError(description: "\(argument): unknown option; see --help")
      }
    }
  }

  static var help: String {
    var text = """
      Usage: grantwatch-bench [--json] [--quick] [--only NAME,...]

      Measures the grantwatchd that lies beside this program, as root, on a scratch folder in
      /var/tmp. Nothing is left behind, also after Ctrl-C.

      --json   One JSON object instead of a table.
      --quick  Fewer samples: a minute instead of five.
      --only   These benchmarks alone.

      Exit status: 0 all numbers are reached, 1 one is missed or could not be measured, 2 usage.

      A median is the middle of all samples, a p99 the value that 99 of 100 stay below. REFERENCE
      is what one fdatasync(2) cost on the same disk, taken between the samples of the same
      figure: its median beside a median, its p99 beside a p99. Where the disk is slow or shared,
      judge by the ratio. The table ends with the load of the host.

      Benchmarks:

      """
    for benchmark in benchmarks {
      text += "\n\(benchmark.name)\n"
      for line in benchmark.meaning.split(separator: "\n") { text += "  \(line)\n" }
    }
    text.removeLast()
    return text
  }
}
