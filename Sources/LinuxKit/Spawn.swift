internal import CLinux
package import Dispatch
internal import Glibc
internal import Synchronization

/// How a tool that was run came to its end.
package enum SpawnStatus: Sendable, Equatable {
  case exited(Int32)
  /// Killed by this signal.
  case signalled(Int32)
  /// It took longer than it was given; its process group was killed.
  case timedOut
  /// It was never started.
  case failed(SystemError)
}

/// What a tool that was run left behind.
package struct SpawnResult: Sendable, Equatable {
  package var status: SpawnStatus
  package var output: [UInt8]
  package var errors: [UInt8]
  /// Output or errors were longer than the limit; what came after it was thrown away.
  package var truncated: Bool

  /// True when the tool ran and exited with 0.
  package var succeeded: Bool { status == .exited(0) }
}

/// An argument of a tool: text, or bytes where it comes from outside.
package protocol SpawnArgument: Sendable {
  var argumentBytes: [UInt8] { get }
}

extension String: SpawnArgument {
  package var argumentBytes: [UInt8] { Array(utf8) }
}

extension Array: SpawnArgument where Element == UInt8 {
  package var argumentBytes: [UInt8] { self }
}

/// Runs tools without a shell: in `/`, with a process group, an environment and default signals of
/// their own, and no descriptor but the first three.
package enum Spawn {
  /// What a tool gets to see when nothing else is said.
  package static let plainEnvironment: [(String, String)] = [
    ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C.UTF-8"),
  ]

  /// Runs `executable`, an absolute path, and hands the result to `queue`; blocks nobody.
  ///
  /// At most 64 tools run at once, more wait. `timeout` counts microseconds from the start of the
  /// tool; then its group gets SIGTERM, and SIGKILL half a second later. `outputLimit` counts bytes
  /// of output and errors each.
  package static func run(
    _ executable: String, _ arguments: [some SpawnArgument],
    environment: [(String, String)] = plainEnvironment, input: [UInt8] = [],
    outputLimit: Int = 64 << 10, timeout: Int64 = 30_000_000, queue: DispatchQueue,
    completion: @escaping @Sendable (SpawnResult) -> Void
  ) {
    let tool = SpawnedTool(
      executable: executable, arguments: arguments.map(\.argumentBytes), environment: environment,
      input: input, outputLimit: outputLimit, timeout: timeout)
    SpawnWorkers.shared.submit {
      let result = tool.run()
      queue.async { completion(result) }
    }
  }

  /// Runs `executable` as `run` does, and waits for its end on the calling thread.
  package static func runAndWait(
    _ executable: String, _ arguments: [some SpawnArgument],
    environment: [(String, String)] = plainEnvironment, input: [UInt8] = [],
    outputLimit: Int = 64 << 10, timeout: Int64 = 30_000_000
  ) -> SpawnResult {
    SpawnedTool(
      executable: executable, arguments: arguments.map(\.argumentBytes), environment: environment,
      input: input, outputLimit: outputLimit, timeout: timeout
    ).run()
  }
}

/// Threads that wait for tools; they live only while there is work.
private final class SpawnWorkers: Sendable {
  static let shared = SpawnWorkers()
  private static let most = 64
  private static let stackSize = 256 << 10

  private struct State {
    var waiting: [@Sendable () -> Void] = []
    var next = 0
    var running = 0
  }
  private let state = Mutex(State())

  func submit(_ job: @escaping @Sendable () -> Void) {
    let another = state.withLock { state in
      state.waiting.append(job)
      guard state.running < Self.most else { return false }
      state.running += 1
      return true
    }
    guard another else { return }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, Self.stackSize)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, &attributes,
      { _ in
        SpawnWorkers.shared.work()
        return nil
      }, nil)
    // Without a thread of our own the work is Dispatch's.
    if failure != 0 { DispatchQueue.global().async { self.work() } }
  }

  private func work() {
    while let job = take() { job() }
  }

  private func take() -> (@Sendable () -> Void)? {
    state.withLock { state in
      guard state.next < state.waiting.count else {
        state.waiting = []
        state.next = 0
        state.running -= 1
        return nil
      }
      state.next += 1
      return state.waiting[state.next - 1]
    }
  }
}
