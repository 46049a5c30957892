# Sourced by the programs of a sandbox host: where the host is, and how an effect is told to the ledger.
# A line of the ledger: host, begun | done | nothing, effect. It is appended by who brings the effect about, so it is
# there whatever becomes of Escalator. "nothing": the world was so already.
top=${0%/opt/openstack/*}
[ "$top" != "$0" ] || top=${0%/bin/*}
host=${top##*/}
ledger=${top%/hosts/*}/ledger
# Units of orders are named by attempts; what their commands do is told by these themselves.
say() { case $2 in *\ escalator-*) return ;; esac; printf '%s\t%s\t%s\n' "$host" "$1" "$2" >> "$ledger"; }
# The time that the act takes; a campaign may have it last longer, so that the next life meets it under way.
work() { sleep "$(cat "$top/../../slow" 2>/dev/null || echo 0.01)"; }
