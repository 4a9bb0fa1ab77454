// The navigation on narrow windows.
import { Dialog as Radix } from "radix-ui";
import { t } from "@/strings";
import { Sidebar } from "./sidebar";

export default function Drawer({ onClose }: { onClose: () => void }) {
  return (
    <Radix.Root open onOpenChange={onClose}>
      <Radix.Portal>
        <Radix.Overlay className="fade-in fixed inset-0 z-40 bg-overlay md:hidden" />
        <Radix.Content aria-describedby={undefined} className="fade-in fixed inset-y-0 left-0 z-50 w-64 max-w-[85vw] md:hidden">
          <Radix.Title className="sr-only">{t.shell.navigation}</Radix.Title>
          <Sidebar narrow={false} onFollow={onClose} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
