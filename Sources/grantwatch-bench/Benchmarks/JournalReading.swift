import ByteText
import Glibc
import LinuxKit
import Sources

/// How fast the journal's signals are recognised.
enum JournalReading: Benchmark {
  static let name = "journal"
  static let meaning = """
    A journal of one million entries, two of a hundred by tools that tell of access: the time to
    recognise all signals, as a ratio to a C program that only reads the fields of the same entries
    (Reference/journal-reference.c, built with cc), and how many times faster that is than
    `journalctl -o json | cat`. With --quick 100,000 entries.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let folder = stage.folder + "/journal-bench"
    mkdir(folder, 0o700)
    defer { _ = Spawn.runAndWait("/bin/rm", ["-rf", folder]) }
    let count = quick ? 100_000 : 1_000_000
    let expected = try makeJournal(in: folder, entries: count)
    let reference = try referenceProgram(in: folder)
    var ours: [Double] = []
    var least: [Double] = []
    for _ in 0..<3 {
      least.append(try read(by: reference, in: folder, entries: expected))
      ours.append(try recognise(in: folder, signals: expected))
    }
    let start = SystemClock.up()
    let json = Spawn.runAndWait(
      "/bin/sh", ["-c", "journalctl --directory \(folder) -o json | cat >/dev/null"],
      timeout: 600_000_000)
    let whole = Double(SystemClock.up() - start) / 1_000_000
    guard json.succeeded else { throw BenchError(description: "journalctl: failed") }
    let (our, alone) = (ours.quantile(0.5), least.quantile(0.5))
    return [
      Figure(
        name: "journal of \(count) entries recognised", value: our * 1000, unit: "ms", samples: 3),
      Figure(
        name: "the same, by reading the fields alone", value: our / alone, unit: "×",
        limit: 1.5, samples: 3),
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
      let line = matters ? Self.telling(number) : Self.other(number)
      fputs(
        "__REALTIME_TIMESTAMP=\(start + Int64(number) * 3000)\n"
          + "__MONOTONIC_TIMESTAMP=\(1_000_000 + number * 3000)\n" + common
          + "_SOURCE_REALTIME_TIMESTAMP=\(start + Int64(number) * 3000 - 100)\n_PID=\(number % 30000 + 2)\n"
          + line + "\n", file)
    }
    fclose(file)
    let made = Spawn.runAndWait(
      "/lib/systemd/systemd-journal-remote", ["-o", folder + "/bench.journal", path],
      timeout: 600_000_000)
    unlink(path)
    guard made.succeeded else { throw BenchError(description: "systemd-journal-remote: failed") }
    return matching
  }

  private static let common = """
    _BOOT_ID=0123456789abcdef0123456789abcdef
    _MACHINE_ID=fedcba9876543210fedcba9876543210
    _HOSTNAME=bench
    _TRANSPORT=syslog
    PRIORITY=6
    SYSLOG_FACILITY=10
    _CAP_EFFECTIVE=1ffffffffff
    _SYSTEMD_CGROUP=/user.slice/user-1001.slice/session-5.scope
    _SYSTEMD_UNIT=session-5.scope
    _SYSTEMD_SLICE=user-1001.slice
    _AUDIT_LOGINUID=1001
    _AUDIT_SESSION=5

    """

  private static func telling(_ number: Int) -> String {
    switch number / 50 % 4 {
    case 0:
      "SYSLOG_IDENTIFIER=sudo\n_UID=1001\n_GID=1001\n_COMM=sudo\n_EXE=/usr/bin/sudo\n_CMDLINE=sudo id\n"
        + "MESSAGE=   alice : TTY=pts/1 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id \(number)\n"
    case 1:
      "SYSLOG_IDENTIFIER=usermod\n_UID=0\n_GID=0\n_COMM=usermod\n_EXE=/usr/sbin/usermod\n"
        + "_CMDLINE=usermod -aG g\(number) bob\nMESSAGE=add 'bob' to group 'g\(number)'\n"
    case 2:
      "SYSLOG_IDENTIFIER=gpasswd\n_UID=0\n_GID=0\n_COMM=gpasswd\n_EXE=/usr/bin/gpasswd\n"
        + "_CMDLINE=gpasswd -a bob g\nMESSAGE=user bob added by root to group g\(number)\n"
    default:
      "SYSLOG_IDENTIFIER=sshd\n_UID=0\n_GID=0\n_COMM=sshd\n_EXE=/usr/sbin/sshd\n"
        + "_CMDLINE=sshd: alice [priv]\nMESSAGE=Accepted publickey for u\(number) from 127.0.0.1"
        + " port 4 ssh2: ED25519 SHA256:Pmhl1UdzCGH0pb1HvDoYHLwGd+sLWSgr/CtlMYmfzAc\n"
    }
  }

  private static func other(_ number: Int) -> String {
    "SYSLOG_IDENTIFIER=service\(number % 40)\n_UID=\(number % 7)\n_GID=0\n_COMM=service\n"
      + "_EXE=/usr/lib/service/\(number % 40)\n_CMDLINE=service --run\n"
      + "MESSAGE=request \(number) of client \(number % 977) took \(number % 131) ms\n"
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

  private static func recognise(in folder: String, signals expected: Int) throws -> Double {
    let start = SystemClock.up()
    let source = try JournalSource(
      place: .directory(folder), after: nil, since: Timestamp(microseconds: 0))
    var signals = 0
    while try source.process(limit: 5000, { _ in signals += 1 }).more {}
    let seconds = Double(SystemClock.up() - start) / 1_000_000
    // The last sudo line may still wait for its continuation.
    guard signals >= expected - 1 else {
      throw BenchError(description: "\(signals) signals of \(expected) were recognised")
    }
    return seconds
  }
}
