internal import CLinux
internal import Glibc

/// One run of a tool, from the calling thread's point of view: start, feed, read, wait.
struct SpawnedTool: Sendable {
  var executable: String
  var arguments: [[UInt8]]
  var environment: [(String, String)]
  var input: [UInt8]
  var outputLimit: Int
  var timeout: Int64

  private static let grace: Int64 = 500_000

  func run() -> SpawnResult {
    do throws(SystemError) {
      var feed = input.isEmpty ? SpawnPipe() : try SpawnPipe(for: executable)
      var output = try SpawnPipe(for: executable)
      var errors = try SpawnPipe(for: executable)
      SpawnPipe.setNonBlocking(output.reading)
      SpawnPipe.setNonBlocking(errors.reading)
      if !input.isEmpty { SpawnPipe.setNonBlocking(feed.writing) }
      let pid = try start(input: feed.reading, output: output.writing, errors: errors.writing)
      feed.closeReading()
      output.closeWriting()
      errors.closeWriting()
      var wait = SpawnWait(
        pid: pid, input: feed, output: output, errors: errors, toWrite: input, limit: outputLimit)
      return wait.result(timeout: timeout, grace: Self.grace)
    } catch {
      return SpawnResult(status: .failed(error), output: [], errors: [], truncated: false)
    }
  }

  private func start(
    input: Int32, output: Int32, errors: Int32
  ) throws(SystemError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if input >= 0 {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, errors, 2)
    posix_spawn_file_actions_addchdir_np(&actions, "/")
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var words = [Array(executable.utf8)] + arguments
    let argumentCount = words.count
    words += environment.map { Array("\($0.0)=\($0.1)".utf8) }
    guard !words.contains(where: { $0.contains(0) }) else {
      throw SystemError(EINVAL, "start", executable)
    }
    // One block of bytes with two tables of pointers into it, as execve(2) wants them.
    var block: [CChar] = []
    var offsets: [Int] = []
    for word in words {
      offsets.append(block.count)
      block.append(contentsOf: word.lazy.map { CChar(bitPattern: $0) })
      block.append(0)
    }
    var pid: pid_t = 0
    let failure = block.withUnsafeMutableBufferPointer { block -> Int32 in
      let pointers = offsets.map { offset in block.baseAddress.map { $0 + offset } }
      var argv = Array(pointers[..<argumentCount]) + [nil]
      var envp = Array(pointers[argumentCount...]) + [nil]
      return posix_spawn(&pid, executable, &actions, &attributes, &argv, &envp)
    }
    guard failure == 0 else { throw SystemError(failure, "start", executable) }
    return pid
  }
}
