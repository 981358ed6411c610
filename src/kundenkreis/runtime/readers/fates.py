"""What became of a decided message, as SQL: the newest verdict, the outbox and the local mailbox read together."""

DECIDED = """
FROM {first} f
JOIN verdicts l ON l.effect_id = f.effect_id AND l.sequence = (SELECT max(x.sequence) FROM verdicts x WHERE x.effect_id = f.effect_id)
LEFT JOIN outbox o ON o.effect_id = f.effect_id
LEFT JOIN mailbox b ON b.message_id = f.effect_id
"""
"""`{first}` yields the first verdicts of messages; every message has exactly one."""
FATE = """
CASE
  WHEN l.outcome IN ('withheld', 'displaced', 'expired', 'cancelled')
    AND (coalesce(o.state, '') NOT IN ('accepted', 'held', 'closed') OR o.reply = 'overdue') THEN 'withheld'
  WHEN l.outcome = 'failed' OR o.state = 'failed' THEN 'bounced'
  WHEN o.state IN ('held', 'closed') OR (o.state = 'accepted' AND o.uncertain > 0) THEN 'uncertain'
  WHEN b.message_id IS NOT NULL THEN 'delivered'
  WHEN l.outcome = 'handed_over' OR o.state = 'accepted' THEN 'open'
  ELSE 'waiting'
END
"""
