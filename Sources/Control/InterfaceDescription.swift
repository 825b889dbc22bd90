/// The name of the interface.
package let interfaceName = "io.grantwatch"
let serviceName = "org.varlink.service"

/// The names of the methods of each interface, as their descriptions give them.
package let interfaceMethods: [String: Set<String>] = [
  interfaceName: methods(in: interfaceDescription),
  connectorInterfaceName: methods(in: connectorInterfaceDescription),
]

private func methods(in description: String) -> Set<String> {
  Set(
    description.split(separator: "\n").compactMap { line in
      guard line.hasPrefix("method "), let end = line.firstIndex(of: "(") else { return nil }
      return String(line[line.index(line.startIndex, offsetBy: 7)..<end])
    })
}

/// The interface in Varlink's own language (https://varlink.org/Interface-Definition).
package let interfaceDescription = """
  # Grants of access on this host: what they are, who is behind them, when they end.
  # Times are RFC 3339 in UTC. Ids may be shortened while they are unique. Objects called
  # "object" have the shapes that grantctl(1) prints with -o json.
  # Root and the group grantwatch read everything, others what concerns their own uid.
  interface io.grantwatch

  # Which grants to list; what is left out matches all. subject, object and agent are globs,
  # incident is an id. since and until bound the time of the grant. Grants that were there at
  # the first start are listed only with standing.
  type Filter (
    states: ?[]string,
    provenance: ?[]string,
    kind: ?[]string,
    subject: ?string,
    object: ?string,
    agent: ?string,
    incident: ?string,
    since: ?string,
    until: ?string,
    standing: ?bool
  )

  # What became of one id. result says it in words. status is one of ok, dry-run, refused,
  # failed, not-found and ambiguous.
  type Result (
    id: string,
    done: bool,
    result: string,
    status: string
  )

  # An event to deliver. sequence is that of its record in the ledger.
  type OutboxEvent (
    sequence: int,
    id: string,
    type: string,
    time: string,
    severity: string,
    subject: ?string,
    source: string,
    data: object
  )

  # How the daemon, its sources and its ledger are.
  method GetStatus() -> (status: object)

  # What each source can see here, what it lacks and what mends it.
  method Diagnose() -> (sources: []object)

  # Grants, newest first. Several replies when the client asks for more.
  method List(filter: ?Filter) -> (grants: []object)

  # Grants by id, with all their items.
  method Show(ids: []string) -> (grants: []object)

  # Why a grant got its verdict, and what its rule will do.
  method Explain(ids: []string) -> (explanations: []object)

  # Approves grants, incidents or advice. Without seconds for as long as policy allows.
  method Approve(ids: []string, seconds: ?int, reason: string, code: ?string)
    -> (results: []Result)

  # Lengthens the approval of grants, from now on.
  method Extend(ids: []string, seconds: ?int, reason: string, code: ?string)
    -> (results: []Result)

  # Puts back what was taken back, each as a new grant that is approved from its beginning.
  method Restore(ids: []string, seconds: ?int, reason: string, code: ?string)
    -> (results: []Result)

  # Takes grants or incidents back. A dry run says what would be done.
  method Revoke(ids: []string, dryRun: ?bool, reason: ?string) -> (results: []Result)

  # Records what an agent said. Any uid may submit; the kernel's uid is kept with it. With command
  # the text is shell text that the agent is about to run in directory: one that widens no access
  # is not kept, and there is no advice in the reply. A uid's second advice with the same
  # submission is the first one. With event it is a report of an agent's hook: subagent-start,
  # subagent-stop, permission-request or decision, which says in decision what became of the
  # question: auto, remembered or clicked. Only subagent-stop may be an advice as well. subagent is
  # the agent's own agent that the event is of, its name and its id; startedBy the id of the one that
  # started that, where it was not the agent itself.
  method AddAdvice(
    agent: string,
    text: string,
    audience: ?string,
    url: ?string,
    session: ?string,
    model: ?string,
    parent: ?string,
    command: ?bool,
    directory: ?string,
    subagent: ?string,
    startedBy: ?string,
    toolUse: ?string,
    permissionMode: ?string,
    attended: ?bool,
    event: ?string,
    decision: ?string,
    submission: ?string
  ) -> (advice: ?object)

  # Advice on record. Several replies when the client asks for more.
  method ListAdvice() -> (advices: []object)

  # Advice by id.
  method ShowAdvice(ids: []string) -> (advices: []object)

  # Agents that run or ran, the latest first. Several replies when the client asks for more.
  method ListAgents() -> (agents: []object)

  # What each description of an agent says of a process and its ancestors, and why.
  method CheckAgent(pid: int) -> (check: object)

  # Events, oldest first. With follow it goes on until the client leaves.
  method Log(since: ?string, grant: ?string, follow: ?bool) -> (events: []object)

  # Checks the ledger's chain and its snapshots.
  method Verify() -> (verification: object)

  # Events that are due at an endpoint, now and as they come. For root and the notifier only.
  method TakeOutbox(endpoint: string) -> (events: []OutboxEvent)

  # An event was delivered at an endpoint, or never will be, for the reason given.
  method Acknowledge(endpoint: string, sequence: int, delivered: bool, reason: ?string) -> ()

  # Events that could not be delivered.
  method GetDeadLetters() -> (deadLetters: []object)

  # The id names nothing, or several: then matches holds candidates.
  error NotFound (id: string, matches: []string)

  # The caller may not do that.
  error PermissionDenied (reason: string)

  # The parameters do not fit the method.
  error Invalid (reason: string)

  # It could not be done.
  error Failed (reason: string)

  """

/// `org.varlink.service`, as https://varlink.org/Service gives it.
let serviceDescription = """
  # The Varlink Service Interface is provided by every varlink service. It
  # describes the service and the interfaces it implements.
  interface org.varlink.service

  # Get a list of all the interfaces a service provides and information
  # about the implementation.
  method GetInfo() -> (
    vendor: string,
    product: string,
    version: string,
    url: string,
    interfaces: []string
  )

  # Get the description of an interface that is implemented by this service.
  method GetInterfaceDescription(interface: string) -> (description: string)

  # The requested interface was not found.
  error InterfaceNotFound (interface: string)

  # The requested method was not found
  error MethodNotFound (method: string)

  # The interface defines the requested method, but the service does not
  # implement it.
  error MethodNotImplemented (method: string)

  # One of the passed parameters is invalid.
  error InvalidParameter (parameter: string)

  # Client is denied access
  error PermissionDenied ()

  # Method is expected to be called with 'more' set to true, but wasn't
  error ExpectedMore ()

  """
