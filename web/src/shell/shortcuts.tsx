import { Dialog } from "@/patterns/dialog";
import { t } from "@/strings";

const list: [string[], string][] = [
  [["Ctrl", "K"], t.shortcuts.palette],
  [["?"], t.shortcuts.help],
  [["g", "h"], t.shortcuts.home],
  [["g", "p"], t.shortcuts.projects],
  [["g", "t"], t.shortcuts.team],
  [["g", "a"], t.shortcuts.audit],
  [["Space"], t.shortcuts.pause],
  [["j", "k"], t.shortcuts.move],
  [["Esc"], t.shortcuts.close],
];

export default function Shortcuts({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onOpenChange={onClose} title={t.shortcuts.title}>
      <dl className="flex flex-col">
        {list.map(([pressed, label]) => (
          <div key={label} className="flex items-center justify-between gap-4 border-b py-2 text-sm last:border-0">
            <dt>{label}</dt>
            <dd className="flex gap-1">
              {pressed.map((key) => (
                <kbd key={key} className="rounded-sm border bg-subtle px-1.5 py-0.5 font-sans text-xs">
                  {key}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
