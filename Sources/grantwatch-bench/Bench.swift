import Glibc
import Grants
import LinuxKit

/// Runs the benchmarks against the daemon beside this program and prints a table or JSON; returns
/// the exit status.
func runBench(_ arguments: [String]) -> Int32 {
  let options: BenchOptions
  do {
    options = try BenchOptions(arguments)
  } catch {
    complain("\(error)")
    return 2
  }
  if options.wantsHelp {
    print(BenchOptions.help)
    return 0
  }
  guard geteuid() == 0 else {
    complain("the daemon needs root: run it with sudo")
    return 1
  }
  do {
    let stage = try Stage()
    defer { stage.remove() }
    let signals = stage.removeOnSignals()
    defer { withExtendedLifetime(signals) {} }
    let host = HostLoad()
    var figures: [Figure] = []
    for benchmark in options.chosen {
      if isatty(2) == 1 { complain(benchmark.name) }
      figures += try benchmark.measure(on: stage, quick: options.quick)
    }
    print(
      options.json ? Figure.json(figures, host) : Figure.table(figures) + "\n" + host.description)
    return figures.allSatisfy { $0.isReached != false } ? 0 : 1
  } catch {
    complain("\(error)")
    return 1
  }
}

/// One thing to measure, in one or more figures.
protocol Benchmark {
  /// The word for `--only`.
  static var name: String { get }
  /// What its figures mean; lines for `--help`.
  static var meaning: String { get }
  /// False for one that is measured only when asked for by name.
  static var isForAll: Bool { get }
  static func measure(on stage: Stage, quick: Bool) throws -> [Figure]
}

extension Benchmark {
  static var isForAll: Bool { true }
}

/// Why a benchmark could not be run.
struct BenchError: Error, CustomStringConvertible {
  var description: String
}

func complain(_ text: String) {
  let line = Array("grantwatch-bench: \(text)\n".utf8)
  _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}
