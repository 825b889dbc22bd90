import Glibc
import LinuxKit
import Testing

@Suite struct StateLockTests {
  @Test("A second daemon is refused with the pid of the first; after its end the lock is free")
  func twoDaemons() throws {
    let state = try ScratchState()
    func hold(_ lock: borrowing StateLock) {
      do throws(StateLockError) {
        _ = try StateLock(directory: state.path)
        Issue.record("a second lock was given")
      } catch {
        #expect(error == .inUse(directory: state.path, pid: getpid()))
        #expect(
          error.description == "state directory: \(state.path): in use by pid \(getpid())")
      }
    }
    hold(try StateLock(directory: state.path))
    _ = try StateLock(directory: state.path)
  }

  @Test("A directory that is not there")
  func missing() {
    #expect(throws: StateLockError.self) { _ = try StateLock(directory: "/nonexistent/x") }
  }
}
