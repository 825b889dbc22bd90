import LinuxKit
import Testing

@Suite struct ProcessTerminationTests {
  @Test("The very process is ended, and none that only has its number")
  func veryProcess() throws {
    let child = try ChildProcess("/bin/sleep", ["600"], log: "/dev/null")
    defer {
      child.signal(9)
      child.wait()
    }
    let start = try #require(ProcessFiles().stat(child.pid)?.start)
    #expect(ProcessTermination.end([(child.pid, start + 1)]).isEmpty)
    #expect(child.isRunning)
    #expect(ProcessTermination.end([(child.pid, start)]).isEmpty)
    #expect(!child.isRunning)
  }
}
