import ByteText
import Glibc
import LinuxKit

/// Runs the benchmarks against the daemon beside this program and prints a table or JSON.
func runBench(_ arguments: [String]) -> Int32 {
  var json = false
  var quick = false
  for argument in arguments {
    switch argument {
    case "--json": json = true
    case "--quick": quick = true
    case "--help":
      print(
        """
        Usage: grantwatch-bench [--json] [--quick]

        Measures the daemon that lies beside this program, on a scratch folder, as root.
        --quick takes fewer samples. See the figures' meaning in Sources/grantwatch-bench.
        """)
      return 0
    default:
      complain("\(argument): unknown option; see --help")
      return 2
    }
  }
  guard geteuid() == 0 else {
    complain("the daemon needs root: run it with sudo")
    return 1
  }
  do {
    let stage = try Stage()
    defer { stage.remove() }
    var figures: [Figure] = []
    figures += try SyncReference.measure(on: stage, samples: quick ? 50 : 200)
    figures += try ChangeLatency.measure(on: stage, samples: quick ? 50 : 300)
    figures += try DeadlineLatency.measure(on: stage, samples: quick ? 20 : 100)
    figures += try ManyItems.measure(on: stage, items: 10_000, runs: quick ? 1 : 3)
    figures += try IdleCost.measure(on: stage, seconds: quick ? 5 : 20)
    figures += try StartWithHistory.measure(on: stage, grants: 100_000)
    figures += BinarySize.measure(stage.daemon)
    print(json ? Figure.json(figures) : Figure.table(figures))
    return figures.allSatisfy { $0.isReached != false } ? 0 : 1
  } catch {
    complain("\(error)")
    return 1
  }
}

/// Why a benchmark could not be run.
struct BenchError: Error, CustomStringConvertible {
  var description: String
}

func complain(_ text: String) {
  let line = Array("grantwatch-bench: \(text)\n".utf8)
  _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}
