import ByteText
import Control
package import Dispatch
import Grants
import Kinds
import Ledger
import LinuxKit
import Provenance
import Sources

/// The one owner of all state: signals and state come in, records and effects go out.
///
/// Every entry runs as a turn on `queue`: it changes state, appends to the ledger, and leaves its
/// effects to the end of the turn, when all that was appended is durable (law 2).
///
/// Unchecked: everything in it is confined to `queue`.
package final class Engine: @unchecked Sendable {
  package let queue = DispatchQueue(label: "grantwatch.engine")
  let settings: EngineSettings
  var configuration: Configuration
  let ledger: Ledger
  let store = GrantStore()
  var agenda = Agenda()
  var acts = OpenActs()
  var incidents = Incidents()
  var outbox = Outbox()
  var folding = AlertFolding()
  var foldIsAwaited = false
  var codes = ApprovalCodes()
  var advice = AdviceBook()
  var agents = AgentBook()
  var revocations = RevocationQueue()
  var running: Set<String> = []
  /// Items of running revocations that were left because another grant gives the same.
  var sheltered: [String: Int] = [:]
  /// Items of running revocations whose access was gone already.
  var gone: [String: Int] = [:]
  /// Running revocations that no further try can help.
  var hopeless: Set<String> = []
  /// Grants that were taken back, whose users are looked for.
  var searching: Set<String> = []
  /// Revocations that a stop left between intent and result: announced already.
  var resumed: Set<String> = []
  /// Those whose end the ledger has, and not yet the word of it; while the ledger is replayed.
  var unsaid: Set<String> = []
  /// Those of which the ledger has who still uses them, and not yet the word of it; likewise.
  var unsaidResidue: Set<String> = []
  /// The queue of revocations is looked at when this turn's deadlines are all known.
  var startsRevocations = false
  /// Up to when what is due is being done, within `timerFired`.
  var dueUp: Int64?

  let processes: ProcessTable
  let fileModes: FileModes
  let groupMembers: GroupMembers
  var groupState: GroupState? { didSet { sureWayIn = nil } }
  let entryWatches: [EntryWatch]
  var connectors: [Connector] = []
  /// Where kinds are read and their tools run: one call at a time, and never on the engine's queue.
  let kindQueue = DispatchQueue(label: "grantwatch.kinds")
  /// Where those who still use what was taken back are looked for, one grant at a time.
  let residueQueue = DispatchQueue(label: "grantwatch.residue", qos: .utility)
  /// Accounts that were renamed since the start, former name to new.
  var renamedUsers: [String: String] = [:]
  var fileWatch: FileWatch?
  /// The folders of cron, at and systemd, by path.
  var launchFolders: [[UInt8]: LaunchFile.Folder] = [:]
  var launchWatch: FolderWatch?
  /// Events of that watch that were lost and told of.
  var lostLaunchEvents = 0
  var journal: JournalSource?
  /// The journals of other hosts, for their advice.
  var adviceJournal: JournalSource?
  var adviceWake: HeldSource?
  /// When they were read last, CLOCK_BOOTTIME in microseconds.
  var adviceReadAt: Int64 = 0
  var adviceCursor: String?
  /// When each was last said to submit too much, CLOCK_BOOTTIME in microseconds.
  var saidAdviceFloods: [AdviceBook.Submitter: Int64] = [:]
  /// This host's machine id; see machine-id(5).
  let ownMachine: String
  var control: ControlServer?
  var timer: BootTimer?
  var readSources: [any DispatchSourceRead] = []
  var journalWake: HeldSource?
  /// When the journal was read last, CLOCK_BOOTTIME in microseconds.
  var journalReadAt: Int64 = 0
  var outboxStreams: [OutboxStream] = []
  var logStreams: [LogStream] = []

  /// Names of the host's accounts, and below them of the tree's.
  let hostAccounts: HostAccounts
  /// Held as long as the engine lives: nobody else uses the state directory.
  let lock: StateLock
  /// Reads the whole ledger without holding up the engine.
  let verificationQueue = DispatchQueue(label: "grantwatch.verification", qos: .utility)
  /// Waits for polkit's answers, which take as long as humans do.
  let presenceQueue = DispatchQueue(label: "grantwatch.presence", attributes: .concurrent)
  let journalSender = JournalSender()
  let ownPid = OwnProcess.pid
  var isFirstStart = true
  /// The admin's, as they were at the start.
  var recognizers = AdminRecognizers()
  var journalCursor: String?
  /// An entry of which only some signals are in the ledger, and how many.
  var journalPartial: (cursor: String, count: Int)?
  var recentSignals = RecentSignals()
  var logFiles: [LogFileSource] = []
  /// How far each was read, by name.
  var logFilePositions: [String: String] = [:]
  /// When each was read last.
  var logFileRead: [String: Timestamp] = [:]
  var audit: AuditSource?
  /// Why there are no audit records here.
  var auditObstacle: String?
  /// The last audit event in the ledger.
  var auditCursor: String?
  /// Up to when no audit record is known to be lost.
  var auditSound: Timestamp
  var auditLookedAt: Int64 = 0
  var unprovenSignals = UnprovenSignals()
  /// When each uid was last said to pretend to be a tool, CLOCK_BOOTTIME in microseconds.
  var saidSpoofs: [UInt32: Int64] = [:]
  /// Grants that nobody was seen to give, and no signal has explained.
  var unexplained: Set<String> = []
  /// The last moment before this start at which the daemon is known to have run.
  var downSince: Timestamp?
  /// Signals of the ledger's end, of which a crash may have kept the effects back.
  var replayedSignals: [SignalRecord] = []
  /// Since when nobody looked, during a look that makes up for it.
  var lookingSince: Timestamp?
  /// When the state was last looked at for a gap, CLOCK_BOOTTIME in microseconds.
  var lookedAfresh: Int64?
  /// Requests of agents that the ledger tells of, during the replay.
  var replayedRequests: [LaunchRequest] = []
  /// The last moment at which the state on disk and ours were known to agree.
  var lastLook: Moment
  var revokeCalls: [RevokeCall] = []
  var restoreCalls: [RevokeCall] = []
  /// Those whom polkit is asking now.
  var askedUIDs: Set<UInt32> = []
  /// New grants whose access is being put back.
  var restoring: Set<String> = []
  /// Why the access of a new grant could not be put back, until its caller is told.
  var restoreErrors: [String: String] = [:]
  /// How long the next try to write a mechanism's own end waits, in microseconds.
  var fuseDelays: [String: Int64] = [:]
  /// When what could not be taken back is tried again, CLOCK_BOOTTIME in microseconds.
  var nextTries: [String: Int64] = [:]
  /// Files that were left as they are, of grants that are being put back.
  var notGiven: [String: NotGiven] = [:]
  /// What was left as it is beside what was put back, until the caller is told.
  var leftOut: [String: String] = [:]
  /// Streams that go on in a turn of their own.
  var continuations: [() -> Void] = []
  /// What the timer is set to, CLOCK_BOOTTIME in microseconds.
  var armedFor: Int64?

  let startedAt: Moment
  var problems = Problems()
  var lostFileEvents = 0
  /// Groups that came in the last minute, and when, CLOCK_BOOTTIME in microseconds.
  var newGroups: [String: Int64] = [:]
  /// Deadlines of agents' access that was taken away before them, by what it was.
  var givenBefore: [String: Deadline] = [:]
  /// Who changed a watched file under a name outside the trees, until the next look at all of them.
  var changedElsewhere: [FileKey: Attribution] = [:]
  /// `Watch=` and the journal's `Directory=` as they were at the start.
  var watchedTrees: [String] = []
  var journalAtStart: String?
  var adviceDirectoryAtStart: String?
  var unwatchedTrees: [[UInt8]] = []
  var refusals = RefusalRate()
  /// What agents' hooks report of their sessions.
  var reports = AgentReports()
  /// Acts of which something was approved beforehand.
  var approvedActs: [ApprovedAct] = []
  /// How grants of open acts were named before their last items came.
  var shapes: [String: GrantShape] = [:]
  /// Processes whose changes became grants a short while ago, for evidence that comes late.
  var recentProcesses = RecentProcesses()

  private var depth = 0
  private var effects: [() -> Void] = []
  private var announcements: [() -> Void] = []
  private var dirty: [String: DirtyGrant] = [:]
  private var dirtyOrder: [String] = []
  private var recordsSinceSnapshot = 0
  private var settling = false
  /// Whether root has a way in that no grant gives, as found within this turn.
  var sureWayIn: Bool?

  init(
    settings: EngineSettings, configuration: Configuration, ledger: Ledger,
    lock: consuming StateLock,
    accounts: HostAccounts, processes: ProcessTable, fileModes: FileModes,
    groupMembers: GroupMembers, entryKinds: [any EntryKind]
  ) {
    self.settings = settings
    self.configuration = configuration
    self.ledger = ledger
    self.processes = processes
    self.fileModes = fileModes
    self.groupMembers = groupMembers
    entryWatches = entryKinds.map(EntryWatch.init)
    self.lock = lock
    hostAccounts = accounts
    ownMachine = ThisHost.machineID
    startedAt = settings.now()
    auditSound = startedAt.wall
    lastLook = startedAt
  }

  var now: Moment { settings.now() }

  // MARK: Turns

  /// Runs `body` as one turn, or as part of the turn that is under way.
  @discardableResult
  func turn<Result>(_ body: () -> Result) -> Result {
    dispatchPrecondition(condition: .onQueue(queue))
    depth += 1
    let result = body()
    depth -= 1
    if depth == 0 { settle() }
    return result
  }

  /// Leaves `effect` to the end of the turn, when the ledger has everything.
  func afterCommit(_ effect: @escaping () -> Void) { effects.append(effect) }

  /// Leaves `announcement` until this turn's grants are written, so that the log tells of a grant
  /// before it tells what followed from it.
  func afterGrantsWritten(_ announcement: @escaping () -> Void) {
    announcements.append(announcement)
  }

  private func settle() {
    guard !settling else { return }
    settling = true
    repeat {
      writeDirtyGrants()
      let said = announcements
      announcements = []
      for announcement in said { announcement() }
      writeDirtyGrants()
      commit()
      let batch = effects
      effects = []
      for effect in batch { effect() }
    } while !effects.isEmpty || !dirty.isEmpty || !announcements.isEmpty
      || (ledger.pendingBytes > 0 && !problems.ledgerStuck)
    settling = false
    sureWayIn = nil
    pushStreams()
    armTimer()
  }

  private func commit() {
    do {
      try ledger.commit()
      if ledger.isDiskFull {
        problems.set(
          .diskFull,
          "ledger: \(settings.stateDirectory): no space left; grants are still watched and revoked,"
            + " \(ledger.unwritten) records wait: make room")
      } else {
        problems.clear(.diskFull)
      }
      problems.clear(.ledger)
    } catch {
      if problems.set(.ledger, "\(error)") { settings.log("\(error)") }
    }
  }

  // MARK: Records

  /// Appends an event to the ledger; `log` shows it. Returns its sequence.
  @discardableResult
  func record(
    _ type: String, grant: String? = nil, text: String = "", essential: Bool = false,
    _ data: (inout JSONWriter) -> Void = { _ in }
  ) -> Int64 {
    recordsSinceSnapshot += 1
    return ledger.append(type: type, grant: grant, text: text, essential: essential, data)
  }

  /// Changes a grant; the change is in the ledger before this turn's effects.
  func update(_ id: String, items changed: some Sequence<Int> = [], _ body: (inout Grant) -> Void) {
    guard let before = store[id]?.items.count else { return }
    store.change(id, body)
    note(id, isNew: false, firstNewItem: before, changed: changed)
  }

  /// Takes in a new grant.
  func insert(_ grant: Grant) {
    store.insert(grant)
    note(grant.id, isNew: true, firstNewItem: 0, changed: [])
  }

  /// Puts a changed grant in the place of the one with its id, under its new names.
  func replace(_ grant: Grant, changedItems: [Int]) {
    let known = store[grant.id]?.items.count ?? grant.items.count
    store.insert(grant)
    note(grant.id, isNew: false, firstNewItem: known, changed: changedItems)
  }

  private func note(
    _ id: String, isNew: Bool, firstNewItem: Int, changed: some Sequence<Int>
  ) {
    if dirty[id] == nil {
      dirty[id] = DirtyGrant(isNew: isNew, firstNewItem: firstNewItem)
      dirtyOrder.append(id)
    }
    for index in changed { dirty[id]?.changedItems.insert(index) }
  }

  private func writeDirtyGrants() {
    while !dirtyOrder.isEmpty {
      let ids = dirtyOrder
      dirtyOrder = []
      for id in ids {
        guard let note = dirty.removeValue(forKey: id) else { continue }
        if note.isNew || store[id].map({ note.firstNewItem < $0.items.count }) == true {
          judge(id, from: note.isNew ? 0 : note.firstNewItem)
        }
        guard let grant = store[id] else { continue }
        write(grant, note)
      }
    }
  }

  /// True when a snapshot is worth its writing.
  var wantsSnapshot: Bool { recordsSinceSnapshot > 50_000 }

  func didSnapshot() { recordsSinceSnapshot = 0 }
}
