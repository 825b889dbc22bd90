import Dispatch
import Glibc
import LinuxKit
import Synchronization
import Testing

@Suite struct SpawnTests {
  private func shell(_ script: String, input: [UInt8] = [], limit: Int = 64 << 10) -> SpawnResult {
    Spawn.runAndWait("/bin/sh", ["-c", script], input: input, outputLimit: limit)
  }

  @Test("Exit codes, signals, output and errors come back as they were")
  func endings() {
    #expect(Spawn.runAndWait("/bin/true", [String]()).succeeded)
    #expect(shell("exit 7").status == .exited(7))
    #expect(shell("kill -9 $$").status == .signalled(9))
    let both = shell("printf out; printf err >&2; exit 3")
    #expect(both.output == Array("out".utf8))
    #expect(both.errors == Array("err".utf8))
    #expect(both.status == .exited(3))
  }

  @Test("A program that is not there is an error, not a status of some shell")
  func missing() {
    let result = Spawn.runAndWait("/no/such/tool", ["x"])
    #expect(result.status == .failed(SystemError(ENOENT, "start", "/no/such/tool")))
    let broken = Spawn.runAndWait("/bin/echo", [[65, 0, 66]])
    #expect(broken.status == .failed(SystemError(EINVAL, "start", "/bin/echo")))
  }

  @Test("Bytes that are no text reach the tool untouched")
  func oddArguments() {
    let odd: [[UInt8]] = [Array("-n".utf8), [0xff, 0x0a, 0x27, 0x20], [], Array("$(id)".utf8)]
    let result = Spawn.runAndWait("/bin/echo", odd)
    #expect(result.output == [0xff, 0x0a, 0x27, 0x20, 0x20, 0x20] + Array("$(id)".utf8))
  }

  @Test("Megabytes go in and out at once without a deadlock")
  func bigInput() {
    let input = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    let result = Spawn.runAndWait(
      "/bin/cat", [String](), input: input, outputLimit: 4_000_000)
    #expect(result.output == input)
    #expect(!result.truncated)
  }

  @Test("Output beyond the limit is thrown away, the tool still ends")
  func bigOutput() {
    let result = shell("head -c 2000000 /dev/zero; exit 4", limit: 1000)
    #expect(result.output.count == 1000)
    #expect(result.truncated)
    #expect(result.status == .exited(4))
  }

  @Test("A tool that does not read its input kills nobody")
  func unreadInput() {
    let result = Spawn.runAndWait(
      "/bin/true", [String](), input: [UInt8](repeating: 65, count: 1 << 20))
    #expect(result.status == .exited(0))
  }

  @Test("A tool beyond its time is killed with its children, deaf ones too")
  func timeout() throws {
    let start = SystemClock.up()
    let result = Spawn.runAndWait(
      "/bin/sh", ["-c", "trap '' TERM; sleep 600 & echo $!; wait; sleep 600"], timeout: 300_000)
    #expect(result.status == .timedOut)
    #expect(SystemClock.up() - start < 20_000_000)
    let text = String(decoding: result.output, as: UTF8.self).split(separator: "\n").first ?? ""
    let child = try #require(Int32(text))
    // Until somebody reaps it, a killed process still has a pid; its state says that it is dead.
    var alive = true
    for _ in 0..<200 where alive {
      alive =
        Spawn.runAndWait(
          "/bin/sh", ["-c", "grep -q '^State:.[RSDT]' /proc/\(child)/status"]
        ).succeeded
    }
    #expect(!alive)
  }

  @Test("A child that keeps the pipe open is not waited for")
  func daemonChild() {
    let start = SystemClock.up()
    let result = shell("sleep 5 & printf done")
    #expect(result.output == Array("done".utf8))
    #expect(SystemClock.up() - start < 4_000_000)
  }

  @Test("The tool gets no descriptor, no signal mask and no environment of ours")
  func clean() {
    let descriptors = shell("ls /proc/self/fd | wc -l")
    // The directory itself is the fourth.
    #expect(descriptors.output == Array("4\n".utf8))
    let mask = shell("awk '/^Sig(Blk|Ign)/ {print $2}' /proc/self/status")
    // The C library keeps two signals above 31 for itself and leaves them as they were.
    let sets = String(decoding: mask.output, as: UTF8.self).split(separator: "\n")
    #expect(sets.map { UInt64($0, radix: 16).map { $0 & 0x7fff_ffff } } == [0, 0])
    let environment = Spawn.runAndWait("/usr/bin/env", [String](), environment: [("A", "b c")])
    #expect(environment.output == Array("A=b c\n".utf8))
    #expect(shell("pwd").output == Array("/\n".utf8))
  }

  @Test("Many at once all come back, on the queue they were asked for")
  func many() async {
    let queue = DispatchQueue(label: "spawn-test")
    let results = await withTaskGroup(of: Int32.self) { group in
      for number in 0..<150 {
        group.addTask {
          await withCheckedContinuation { continuation in
            Spawn.run("/bin/sh", ["-c", "sleep 0.0\(number % 7); exit \(number)"], queue: queue) {
              dispatchPrecondition(condition: .onQueue(queue))
              if case .exited(let code) = $0.status {
                continuation.resume(returning: code)
              } else {
                continuation.resume(returning: -1)
              }
            }
          }
        }
      }
      return await group.reduce(into: Set<Int32>()) { $0.insert($1) }
    }
    #expect(results == Set(0..<150))
  }
}
