import ByteText
import LinuxKit
import Sources

/// How fast audit records are parsed and put together.
enum AuditParsing: Benchmark {
  static let name = "audit"
  static let meaning = """
    Audit records a second, parsed and grouped to signals, in thousands: four of a call that counts
    for sixteen of others, as the kernel sends them. At least 200. Beside it what cutting the same
    text into lines alone costs.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let events = quick ? 20_000 : 100_000
    var text: [UInt8] = []
    for serial in 0..<events { text += Self.event(serial) }
    var records = 0
    var lines: [Range<Int>] = []
    var cutting: [Double] = []
    for _ in 0..<3 {
      lines = []
      cutting.append(Self.seconds { lines = Self.cut(text) })
    }
    var signals = 0
    var times: [Double] = []
    for _ in 0..<3 {
      records = 0
      signals = 0
      times.append(
        Self.seconds {
          var grouped = AuditEvents()
          text.withUnsafeBytes { bytes in
            for line in lines {
              records += 1
              let record = AuditRecord(line: UnsafeRawBufferPointer(rebasing: bytes[line]))
              if let record { grouped.take(record) { _ in signals += 1 } }
            }
          }
        })
    }
    guard signals == (events + 4) / 5 else {
      throw BenchError(description: "\(signals) signals of \(events) events")
    }
    let perSecond = Double(records) / times.quantile(0.5)
    return [
      Figure(
        name: "audit records parsed a second (200 or more)", value: perSecond / 1000, unit: "k/s"),
      Figure(
        name: "time of \(records) records, beside cutting lines",
        value: times.quantile(0.5) / cutting.quantile(0.5), unit: "×"),
      Figure(name: "200,000 records", value: 200_000 / perSecond, unit: "s", limit: 1),
    ]
  }

  private static func seconds(_ body: () -> Void) -> Double {
    let start = SystemClock.up()
    body()
    return Double(SystemClock.up() - start) / 1_000_000
  }

  private static func cut(_ text: [UInt8]) -> [Range<Int>] {
    var lines: [Range<Int>] = []
    var start = 0
    for at in text.indices where text[at] == 0x0a {
      lines.append(start..<at)
      start = at + 1
    }
    return lines
  }

  private static func event(_ serial: Int) -> [UInt8] {
    let number = serial % 5 == 0 ? 268 : 257
    let stamp = "msg=audit(1795376447.718:\(serial)):"
    return Array(
      """
      type=SYSCALL \(stamp) arch=c000003e syscall=\(number) success=yes exit=0 a0=ffffff9c a1=55c5eeee43b0 a2=1ff a3=7fe716f92fb8 items=1 ppid=491 pid=\(serial % 30000) auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=25 comm="chmod" exe="/usr/bin/chmod" key="perm_mod"
      type=CWD \(stamp) cwd="/root"
      type=PATH \(stamp) item=0 name="/srv/t/f" inode=16351285 dev=fe:00 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0
      type=PROCTITLE \(stamp) proctitle=63686D6F6400373737002F7372762F742F66
      type=EOE \(stamp) \n
      """.utf8)
  }
}
