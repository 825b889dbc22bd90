internal import ByteText
internal import Dispatch
internal import LinuxKit

/// What one uid holds of the server: so that nobody can use up what others need.
///
/// Unchecked: used on the server's queue only.
final class PeerAccount: @unchecked Sendable {
  var connections = 0
  /// Bytes kept for the uid, of calls not yet whole and of replies not yet taken.
  var bytes = 0
}

/// Holds a socket open until the last one who uses it lets go.
private final class OpenSocket {
  let descriptor: FileDescriptor
  init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
}

/// One client: takes its messages apart, has them answered one after the other, and keeps what it
/// does not take at once.
///
/// Unchecked: used on `queue` only.
final class ControlConnection: @unchecked Sendable {
  static let longestMessage = 1 << 20
  static let largestBacklog = 16 << 20
  static let largestAccount = 32 << 20
  /// Calls answered in one go before others have their turn.
  private static let callsInOneGo = 16

  let peer: PeerCredentials
  let queue: DispatchQueue
  private(set) var isClosed = false
  /// Another process than the one that connected wrote to it: the socket was handed on, or taken.
  private(set) var isHandedOn = false
  private var socket: OpenSocket?
  private let number: Int32
  private let account: PeerAccount
  private let dispatch: (ControlConnection, ArraySlice<UInt8>) -> Void
  var onGone: (() -> Void)?

  private var reader: (any DispatchSourceRead)?
  private var writer: (any DispatchSourceWrite)?
  private var liveSources = 0

  private var input: [UInt8] = []
  /// Where the first call not yet begun starts, and up to where no zero byte was found.
  private var inputStart = 0
  private var inputScanned = 0
  private var inputEnded = false
  private var isWatched = false
  private var output: [UInt8] = []
  private var outputStart = 0

  private var isBusy = false
  private var isPumping = false
  private weak var current: ControlCall?

  init(
    socket: consuming FileDescriptor, peer: PeerCredentials, queue: DispatchQueue,
    account: PeerAccount, dispatch: @escaping (ControlConnection, ArraySlice<UInt8>) -> Void,
    onGone: @escaping () -> Void
  ) {
    number = socket.raw
    self.socket = OpenSocket(socket)
    self.peer = peer
    self.queue = queue
    self.account = account
    self.dispatch = dispatch
    self.onGone = onGone
  }

  func start() { startReading() }

  /// Bytes of replies that the client has not taken.
  var backlog: Int { output.count - outputStart }

  private var waitingInput: Int { input.count - inputStart }

  private var isOverdrawn: Bool { peer.uid != 0 && account.bytes > Self.largestAccount }

  /// The call that is being answered, so that it hears of a close.
  func begin(_ call: ControlCall) { current = call }

  /// Sends a reply; the last one of a call makes way for the next call.
  func answer(isLast: Bool, isOneway: Bool, _ message: [UInt8]) {
    if isLast {
      isBusy = false
      current = nil
    }
    guard !isClosed else { return }
    if !isOneway { send(message) }
    if isLast { pump() }
  }

  /// Sends a message and then closes.
  func reject(_ message: [UInt8]) {
    send(message)
    close()
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    account.bytes -= waitingInput + backlog
    input = []
    output = []
    (inputStart, inputScanned, outputStart) = (0, 0, 0)
    stopReading()
    stopWriting()
    if liveSources == 0 { socket = nil }
    let gone = onGone
    onGone = nil
    gone?()
    if let current {
      queue.async {
        let hear = current.onClose
        current.onClose = nil
        current.onDrained = nil
        hear?()
      }
    }
  }

  private func startReading() {
    guard reader == nil, !isClosed, !inputEnded else { return }
    let source = DispatchSource.makeReadSource(fileDescriptor: number, queue: queue)
    liveSources += 1
    source.setEventHandler { [self] in receive() }
    source.setCancelHandler { [self] in sourceEnded() }
    reader = source
    source.activate()
  }

  private func stopReading() {
    reader?.cancel()
    reader = nil
    watchForHangUp()
  }

  /// While nothing is read a client's leaving is not seen by itself: looks every five seconds.
  private func watchForHangUp() {
    guard !isClosed, !isWatched else { return }
    isWatched = true
    queue.asyncAfter(deadline: .now() + .seconds(5)) { [weak self] in
      guard let self, !isClosed, let socket else { return }
      isWatched = false
      guard reader == nil else { return }
      if UnixSocket.hasHungUp(socket.descriptor) { close() } else { watchForHangUp() }
    }
  }

  private func sourceEnded() {
    liveSources -= 1
    if isClosed, liveSources == 0 { socket = nil }
  }

  private func receive() {
    guard !isClosed, reader != nil, let socket else { return }
    let before = input.count
    do throws(SystemError) {
      var sender: Int32 = 0
      let received = try UnixSocket.receive(
        from: socket.descriptor, into: &input, sender: &sender)
      switch received {
      case .nothingYet: return
      case .bytes:
        account.bytes += input.count - before
        if sender != peer.pid { isHandedOn = true }
      case .end:
        inputEnded = true
        stopReading()
        if UnixSocket.hasHungUp(socket.descriptor) { return close() }
      }
    } catch {
      return close()
    }
    if isOverdrawn { return close() }
    pump()
  }

  /// Hands over the calls that are whole, one at a time and in order.
  private func pump() {
    guard !isPumping, !isClosed else { return }
    isPumping = true
    defer { isPumping = false }
    var done = 0
    while !isBusy, !isClosed, let end = endOfMessage() {
      guard done < Self.callsInOneGo else {
        queue.async { [self] in pump() }
        return
      }
      done += 1
      let message = input[inputStart..<end]
      account.bytes -= message.count + 1
      inputStart = end + 1
      isBusy = true
      dispatch(self, message)
    }
    guard !isClosed else { return }
    compactInput()
    if !isBusy, inputEnded {
      if backlog == 0 { close() }
      return
    }
    if waitingInput <= Self.longestMessage {
      startReading()
    } else if isBusy {
      stopReading()
    } else {
      reject(failure(.invalid("a message is longer than \(Self.longestMessage) bytes")))
    }
  }

  private func endOfMessage() -> Int? {
    let from = max(inputScanned, inputStart)
    if let end = input[from...].firstIndex(of: 0) {
      inputScanned = end
      guard end - inputStart <= Self.longestMessage else {
        reject(failure(.invalid("a message is longer than \(Self.longestMessage) bytes")))
        return nil
      }
      return end
    }
    inputScanned = input.count
    return nil
  }

  private func compactInput() {
    guard inputStart > 0 else { return }
    if inputStart == input.count {
      input = []
    } else if inputStart >= 65_536 {
      input.removeSubrange(..<inputStart)
    } else {
      return
    }
    inputScanned = max(0, inputScanned - inputStart)
    if input.isEmpty { inputScanned = 0 }
    inputStart = 0
  }

  private func send(_ message: [UInt8]) {
    let wasWaiting = backlog > 0
    output.append(contentsOf: message)
    output.append(0)
    account.bytes += message.count + 1
    if !wasWaiting { flush() }
    if backlog > Self.largestBacklog || isOverdrawn { close() }
  }

  private func flush() {
    guard !isClosed, let socket else { return }
    let before = outputStart
    do throws(SystemError) {
      while backlog > 0 {
        let count = try UnixSocket.send(output[outputStart...], to: socket.descriptor)
        if count == 0 { break }
        outputStart += count
      }
    } catch {
      account.bytes -= outputStart - before
      return close()
    }
    account.bytes -= outputStart - before
    if backlog == 0 {
      output = []
      outputStart = 0
      stopWriting()
    } else {
      if outputStart > output.count / 2 {
        output.removeSubrange(..<outputStart)
        outputStart = 0
      }
      startWriting()
    }
  }

  private func startWriting() {
    guard writer == nil, !isClosed else { return }
    let source = DispatchSource.makeWriteSource(fileDescriptor: number, queue: queue)
    liveSources += 1
    source.setEventHandler { [self] in writable() }
    source.setCancelHandler { [self] in sourceEnded() }
    writer = source
    source.activate()
  }

  private func stopWriting() {
    writer?.cancel()
    writer = nil
  }

  private func writable() {
    guard !isClosed, writer != nil else { return }
    flush()
    guard !isClosed, backlog == 0 else { return }
    current?.onDrained?()
    pump()
  }
}
