import { Toaster } from "sonner";
import { useTheme } from "./theme";

export function Toasts() {
  const { shown } = useTheme();
  return (
    <Toaster
      theme={shown}
      position="bottom-right"
      closeButton
      toastOptions={{
        classNames: {
          toast: "!bg-surface !text-text !border-line !shadow-lg !rounded-lg !font-sans",
          description: "!text-muted !font-mono !text-2xs",
          success: "[&_[data-icon]]:!text-success",
          error: "[&_[data-icon]]:!text-danger",
        },
      }}
    />
  );
}
