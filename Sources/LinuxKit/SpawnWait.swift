internal import CLinux
internal import Glibc

/// Feeds a started tool, reads what it writes and waits for its end, within its time.
struct SpawnWait: ~Copyable {
  private let pid: pid_t
  private var ended: FileDescriptor?
  private var input: SpawnPipe
  private var output: SpawnStream
  private var errors: SpawnStream
  private let toWrite: [UInt8]
  private var written = 0

  init(
    pid: pid_t, input: consuming SpawnPipe, output: consuming SpawnPipe,
    errors: consuming SpawnPipe, toWrite: [UInt8], limit: Int
  ) {
    self.pid = pid
    self.input = input
    self.output = SpawnStream(output, limit: limit)
    self.errors = SpawnStream(errors, limit: limit)
    self.toWrite = toWrite
    let handle = clinux_pidfd_open(pid)
    if handle >= 0 { ended = FileDescriptor(owning: handle) }
  }

  /// Returns when the tool has ended, or was killed for its lateness; all times in microseconds.
  mutating func result(timeout: Int64, grace: Int64) -> SpawnResult {
    let (sum, over) = SystemClock.up().addingReportingOverflow(max(0, timeout))
    var until = over ? Int64.max : sum
    var warned = false
    var late = false
    var mask = BlockedPipeSignal()
    while true {
      let left = until - SystemClock.up()
      if left <= 0 {
        late = true
        // The leader is not reaped yet, so the group is still its own.
        kill(-pid, warned ? SIGKILL : SIGTERM)
        if warned { break }
        warned = true
        until = SystemClock.up() + grace
        continue
      }
      if step(wait: left) { break }
    }
    mask.restore()
    var state: Int32 = 0
    _ = retrying { waitpid(pid, &state, 0) }
    // What the tool wrote lies in the pipes; a child of it that lives on is not waited for.
    for _ in 0..<64 where readSome() {}
    let signal = state & 0x7f
    let status: SpawnStatus =
      late ? .timedOut : signal == 0 ? .exited(state >> 8 & 0xff) : .signalled(signal)
    return SpawnResult(
      status: status, output: output.bytes, errors: errors.bytes,
      truncated: output.truncated || errors.truncated)
  }

  /// Waits for something to do and does it; true when the tool has ended.
  private mutating func step(wait: Int64) -> Bool {
    let ended = self.ended?.raw ?? -1
    // poll(2) ignores negative descriptors.
    var polled = [
      pollfd(fd: ended, events: Int16(POLLIN), revents: 0),
      pollfd(fd: input.writing, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: output.pipe.reading, events: Int16(POLLIN), revents: 0),
      pollfd(fd: errors.pipe.reading, events: Int16(POLLIN), revents: 0),
    ]
    // Without a pidfd the end shows at the latest a moment after the pipes are closed.
    let longest: Int64 = ended < 0 ? 20 : 60_000
    let ready = poll(&polled, nfds_t(polled.count), Int32(min(longest, (wait + 999) / 1000)))
    if ready > 0 {
      if polled[1].revents != 0 { writeSome() }
      if polled[2].revents != 0 || polled[3].revents != 0 { _ = readSome() }
      if polled[0].revents != 0 { return true }
    }
    guard ended < 0 else { return false }
    var information = siginfo_t()
    let found = waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT)
    return found == 0 && information.si_signo != 0
  }

  private mutating func writeSome() {
    let raw = input.writing
    guard raw >= 0 else { return }
    let count = toWrite.withUnsafeBytes { bytes in
      retrying { write(raw, bytes.baseAddress.map { $0 + written }, bytes.count - written) }
    }
    if count > 0 { written += count }
    if written == toWrite.count || count < 0 && errno != EAGAIN { input.closeWriting() }
  }

  /// Reads both pipes once; false when neither had anything.
  private mutating func readSome() -> Bool {
    let first = output.readSome()
    let second = errors.readSome()
    return first || second
  }
}

/// What comes out of one pipe, up to a limit.
struct SpawnStream: ~Copyable {
  private(set) var bytes: [UInt8] = []
  private(set) var truncated = false
  private(set) var pipe: SpawnPipe
  private let limit: Int

  init(_ pipe: consuming SpawnPipe, limit: Int) {
    self.pipe = pipe
    self.limit = max(0, limit)
  }

  /// Reads once; true when bytes came.
  mutating func readSome() -> Bool {
    let raw = pipe.reading
    guard raw >= 0 else { return false }
    var space = [UInt8](repeating: 0, count: 16 << 10)
    let count = retrying { read(raw, &space, space.count) }
    if count < 0, errno == EAGAIN { return false }
    guard count > 0 else {
      pipe.closeReading()
      return false
    }
    let room = limit - bytes.count
    if count > room { truncated = true }
    bytes.append(contentsOf: space[..<min(count, room)])
    return true
  }
}

/// SIGPIPE kept from this thread while it writes into a pipe whose reader may be gone.
struct BlockedPipeSignal {
  private var before = sigset_t()
  private var pipe = sigset_t()
  private var wasPending = false

  init() {
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    var pending = sigset_t()
    sigpending(&pending)
    wasPending = sigismember(&pending, SIGPIPE) == 1
    pthread_sigmask(SIG_BLOCK, &pipe, &before)
  }

  /// Takes the signal that came meanwhile, and puts the mask back.
  mutating func restore() {
    if !wasPending {
      var none = timespec()
      while sigtimedwait(&pipe, nil, &none) == -1, errno == EINTR {}
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}
