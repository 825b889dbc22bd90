import ByteText
import Glibc
import LinuxKit
import Sources

/// How fast the journal's signals are recognised.
enum JournalReading: Benchmark {
  static let name = "journal"
  static let meaning = """
    A journal of one million entries, two of a hundred by tools that tell of access: the time to
    recognise all signals; as a ratio to a C program that only reads the fields of the same entries
    (Reference/journal-reference.c, built with cc), both in processor time, so that a busy host does
    not decide it; and how many times faster it is than `journalctl -o json | cat`. With --quick
    100,000 entries.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let folder = stage.folder + "/journal-bench"
    mkdir(folder, 0o700)
    defer { _ = Spawn.runAndWait("/bin/rm", ["-rf", folder]) }
    let count = quick ? 100_000 : 1_000_000
    let expected = try makeJournal(in: folder, entries: count)
    let reference = try referenceProgram(in: folder)
    let samples = 9
    var ours: [Double] = []
    var work: [Double] = []
    var least: [Double] = []
    for _ in 0..<samples {
      least.append(try read(by: reference, in: folder, entries: expected))
      let (elapsed, processor) = try recognise(in: folder, signals: expected)
      ours.append(elapsed)
      work.append(processor)
    }
    let start = SystemClock.up()
    let json = Spawn.runAndWait(
      "/bin/sh", ["-c", "journalctl --directory \(folder) -o json | cat >/dev/null"],
      timeout: 600_000_000)
    let whole = Double(SystemClock.up() - start) / 1_000_000
    guard json.succeeded else { throw BenchError(description: "journalctl: failed") }
    let our = ours.quantile(0.5)
    let ratio = work.quantile(0.5) / least.quantile(0.5)
    return [
      Figure(
        name: "journal of \(count) entries recognised", value: our * 1000, unit: "ms",
        samples: samples),
      Figure(
        name: "the same, by reading the fields alone", value: ratio, unit: "×",
        limit: 1.5, samples: samples),
      Figure(
        name: "journalctl -o json, in times of ours (100 or more)", value: whole / our, unit: "×"),
    ]
  }

  /// Writes what a busy host writes; returns how many entries tell of access.
  private static func makeJournal(in folder: String, entries: Int) throws -> Int {
    let path = folder + "/export"
    guard let file = fopen(path, "w") else { throw SystemError.last("make", path) }
    var matching = 0
    let start = SystemClock.wall() - 3_600_000_000
    for number in 0..<entries {
      let matters = number % 50 == 7
      if matters { matching += 1 }
      let line = matters ? SampleEntries.telling(number / 50) : SampleEntries.other(number)
      let offset = Int64(number) * 3000
      let common = SampleEntries.common(
        at: start + offset, monotonic: 1_000_000 + offset, pid: number % 30000 + 2)
      fputs(common + line + "\n", file)
    }
    fclose(file)
    let made = Spawn.runAndWait(
      "/lib/systemd/systemd-journal-remote", ["-o", folder + "/bench.journal", path],
      timeout: 600_000_000)
    unlink(path)
    guard made.succeeded else { throw BenchError(description: "systemd-journal-remote: failed") }
    return matching
  }

  private static func referenceProgram(in folder: String) throws -> String {
    let here = #filePath
    let root = here.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
    let program = folder + "/reference"
    let built = Spawn.runAndWait(
      "/usr/bin/cc", ["-O2", "-o", program, root + "/Reference/journal-reference.c", "-lsystemd"])
    guard built.succeeded else { throw BenchError(description: "cc: the reference does not build") }
    return program
  }

  private static func read(
    by program: String, in folder: String, entries: Int
  ) throws -> Double {
    let output = folder + "/reference.out"
    let words = Recognizers.identifiers.joined(separator: " ")
    let run = Spawn.runAndWait("/bin/sh", ["-c", "\(program) \(folder) \(words) >\(output)"])
    let text = (try? SmallFile.read(output)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let parts = text.split(separator: " ")
    guard run.succeeded, parts.count == 3, Int(parts[0]) == entries, let seconds = Double(parts[1])
    else { throw BenchError(description: "the reference read '\(text)', not \(entries) entries") }
    return seconds
  }

  /// Seconds in all, and of processor time.
  private static func recognise(
    in folder: String, signals expected: Int
  ) throws -> (elapsed: Double, processor: Double) {
    let start = SystemClock.up()
    let spent = clock()
    let source = try JournalSource(
      place: .directory(folder), after: nil, since: Timestamp(microseconds: 0))
    var signals = 0
    while try source.process(limit: 5000, { _ in signals += 1 }).more {}
    let processor = Double(clock() - spent) / Double(CLOCKS_PER_SEC)
    let elapsed = Double(SystemClock.up() - start) / 1_000_000
    // The last sudo line may still wait for its continuation.
    guard signals >= expected - 1 else {
      throw BenchError(description: "\(signals) signals of \(expected) were recognised")
    }
    return (elapsed, processor)
  }
}
