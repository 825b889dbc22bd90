import Testing

/// A way to come by an approval that no human gave, as a process can really go it.
struct SelfApprovalRoad: Sendable, CustomTestStringConvertible {
  var testDescription: String
  /// A line of shell, of the one who goes it; ASK asks for the approval.
  var line: String
  /// A line that a human's shell runs before, for roads that lead through it.
  var human: String?
  /// What the refusal says.
  var refusal: String
  /// The same line is approved where no agent goes it.
  var isOpenToHumans: Bool

  init(
    _ name: String, _ line: String, human: String? = nil,
    refusal: String = "an agent is behind the caller", isOpenToHumans: Bool = true
  ) {
    testDescription = name
    self.line = line
    self.human = human
    self.refusal = refusal
    self.isOpenToHumans = isOpenToHumans
  }

  private static let handedOn = "another process than the one that connected wrote the call"
  private static let trick = "/usr/bin/python3 $S/tricks.py"

  /// Each is an agent's. The agent is a shell in a file that agents.d names.
  static let all: [SelfApprovalRoad] = [
    SelfApprovalRoad("directly", "ASK"),
    SelfApprovalRoad("in a session of its own", "setsid sh -c \"ASK; :\""),
    // A program that is gone before a busy daemon could look at it bars whoever comes after it.
    SelfApprovalRoad("in the background", "setsid -f ASK", isOpenToHumans: false),
    SelfApprovalRoad("as an orphan", "(setsid env -i sh -c \"sleep 0.2; ASK\" &)"),
    SelfApprovalRoad("deaf to hang-ups, with an empty environment", "env -i nohup ASK"),
    SelfApprovalRoad("with the agent's variable cleared", "env -u STAGE_HINT -u AI_AGENT ASK"),
    SelfApprovalRoad(
      "with a login's variables faked",
      "env -i USER=root LOGNAME=root TERM=xterm SSH_TTY=/dev/pts/0 SSH_CONNECTION=x XDG_SESSION_ID=1 ASK"
    ),
    SelfApprovalRoad("through sudo -n", "sudo -n ASK"),
    SelfApprovalRoad("as another account", "\(Stage.asNobody) ASK"),
    SelfApprovalRoad("with another login uid", "sh -c \"echo 4712 >/proc/self/loginuid; ASK\""),
    SelfApprovalRoad("under another name", "(exec -a grantctl ASK)"),
    SelfApprovalRoad(
      "from a copy of itself under another name",
      #"cp "$(readlink /proc/$$/exe)" $S/out/helper; (exec -a -bash $S/out/helper -c "ASK; :")"#),
    SelfApprovalRoad(
      "by keys sent to a human's tmux pane",
      "tmux -S $S/out/tmux send-keys -t 0 \"ASK\" Enter",
      human: "(cd /; tmux -S $S/out/tmux -f /dev/null new-session -d /bin/sh)",
      refusal: "an agent may have typed it: claude-code asked for it"),
    SelfApprovalRoad(
      "over a connection that a human's program left open for it",
      "true", human: "\(trick) inherit $S/claude/claude &", refusal: handedOn,
      isOpenToHumans: false),
    SelfApprovalRoad(
      "over a connection that a human's program handed to it (SCM_RIGHTS)",
      "\(trick) receive", human: "\(trick) hold &", refusal: handedOn, isOpenToHumans: false),
    SelfApprovalRoad(
      "over a connection that it took from a human's program (pidfd_getfd)",
      "\(trick) steal", human: "\(trick) hold &", refusal: handedOn, isOpenToHumans: false),
  ]

  static let ofHumans = all.filter(\.isOpenToHumans)

  /// What perl cannot do: descriptors that change hands, and processes of a number that was another's.
  static let tricks = """
    import ctypes, os, socket, sys, time
    trick, scratch = sys.argv[1], os.environ['S']
    out = scratch + '/out/'
    libc = ctypes.CDLL(None, use_errno=True)

    def connected(path=scratch + '/run/control.sock'):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        return s

    def write(name, text):
        with open(out + name + '.new', 'wb') as f:
            f.write(text)
        os.rename(out + name + '.new', out + name)

    def wait_for(name, there=True):
        for _ in range(6000):
            if os.path.exists(name if name[0] == '/' else out + name) == there:
                return
            time.sleep(0.005)

    def send(s):
        s.sendall(open(out + 'call', 'rb').read() + b'\\0')

    def take(s):
        got = b''
        while b'\\0' not in got:
            part = s.recv(65536)
            if not part:
                break
            got += part
        write('reply', got.split(b'\\0')[0])

    def ask(s):
        send(s)
        take(s)

    def process_with_number(pid):
        # struct clone_args, with set_tid
        tid = (ctypes.c_int * 1)(pid)
        args = (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17, 0, 0, 0, ctypes.addressof(tid), 1, 0)
        return libc.syscall(435, args, ctypes.sizeof(args))

    if trick == 'inherit':
        wait_for('call')
        s = connected()
        s.set_inheritable(True)
        if os.fork() == 0:
            line = '/usr/bin/python3 %s written %d; :' % (sys.argv[0], s.fileno())
            os.execv(sys.argv[2], [sys.argv[2], '-c', line])
        os.wait()
    elif trick == 'written':
        ask(socket.socket(fileno=int(sys.argv[2])))
    elif trick == 'hold':
        s = connected()
        door = socket.socket(socket.AF_UNIX)
        door.bind(out + 'door.new')
        door.listen()
        os.rename(out + 'door.new', out + 'door')
        door.settimeout(0.05)
        write('held', b'%d %d' % (os.getpid(), s.fileno()))
        for _ in range(600):
            if os.path.exists(out + 'reply'):
                break
            try:
                visitor, _ = door.accept()
                socket.send_fds(visitor, [b'x'], [s.fileno()])
            except socket.timeout:
                pass
    elif trick == 'receive':
        wait_for('door')
        _, fds, _, _ = socket.recv_fds(connected(out + 'door'), 1, 1)
        ask(socket.socket(fileno=fds[0]))
    elif trick == 'steal':
        wait_for('held')
        pid, number = map(int, open(out + 'held').read().split())
        taken = libc.syscall(438, os.pidfd_open(pid), number, 0)
        if taken < 0:
            raise OSError(ctypes.get_errno(), 'pidfd_getfd')
        ask(socket.socket(fileno=taken))
    elif trick == 'leave':
        # Connects, asks, and is gone; a child of its own waits for the answer.
        s = connected()
        send(s)
        if os.fork() == 0:
            take(s)
        else:
            write('number', b'%d' % os.getpid())
    elif trick == 'leave-late':
        # Connects, and is gone; a child of its own asks when another has its number.
        s = connected()
        s.sendall(b'{"method":"org.varlink.service.GetInfo"}\\0')
        while not s.recv(65536).endswith(b'\\0'):
            pass
        if os.fork() == 0:
            wait_for('replaced')
            ask(s)
        else:
            write('number', b'%d' % os.getpid())
    elif trick == 'replace':
        wait_for('number')
        pid = int(open(out + 'number').read())
        wait_for('/proc/%d' % pid, False)
        child = process_with_number(pid)
        if child == 0:
            os.execv('/bin/sleep', ['sleep', '30'])
        write('replaced', b'%d' % child)

    """
}
